import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { CompileError, createDiagnostic } from "../diagnose/diagnostic.ts";

const moduleSyntax = /^[ \t]*(?:export\b|import\b(?!\s*\())|\bimport\.meta\b/m;

/**
 * Whether a TypeScript file is an ES module or CommonJS, by Node's rules: the extension, else `type` in the nearest package.json, else the
 * syntax, which for a compiled module is that of ES modules. ES module syntax where package.json says CommonJS is an error here, because
 * Node's own would not say why.
 */
export function moduleFormat(file: string, code: string, isCompiled: boolean): "module" | "commonjs" {
  if (/\.m[jt]s$/.test(file)) return "module";
  if (/\.c[jt]s$/.test(file)) return "commonjs";
  const { type, manifest } = packageType(path.dirname(file));
  if (type === "module") return "module";
  const syntax = moduleSyntax.exec(code);
  if (syntax === null && !isCompiled) return "commonjs";
  if (type === null) return "module";
  const parameters = { file: path.basename(file), packageJson: manifest };
  const start = syntax?.index ?? 0;
  const range = { start, end: start + (syntax?.[0].length ?? 0) };
  throw new CompileError([createDiagnostic({ code: "TYPESCRIPT_MODULE_TYPE", range, parameters }, { code, filename: file })]);
}

const types = new Map<string, { type: string | null; manifest: string }>();

function packageType(folder: string): { type: string | null; manifest: string } {
  const known = types.get(folder);
  if (known !== undefined) return known;
  const manifest = path.join(folder, "package.json");
  const parent = path.dirname(folder);
  const found = existsSync(manifest)
    ? { type: readType(manifest), manifest }
    : parent === folder
      ? { type: null, manifest }
      : packageType(parent);
  types.set(folder, found);
  return found;
}

function readType(manifest: string): string | null {
  const { type } = JSON.parse(readFileSync(manifest, "utf8")) as { type?: string };
  return type ?? null;
}
