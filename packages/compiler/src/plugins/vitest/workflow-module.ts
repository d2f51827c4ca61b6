import { readFileSync } from "node:fs";
import path from "node:path";
import type { Plugin } from "esbuild";
import { compileFile } from "../../bundle/compile-file.ts";
import { loaderOf } from "../../bundle/workflow-modules.ts";
import { esbuild } from "../../required.ts";

/** A module as text, with its source map. */
export interface ModuleText {
  readonly code: string;
  readonly map: {
    readonly sources: string[];
    readonly sourcesContent?: string[];
    readonly mappings: string;
    readonly names: string[];
    readonly version: 3;
  };
}

/**
 * A file with workflows, compiled for the workflow target, with only what its workflows reach: as in a bundle nothing else is evaluated, a connection pool that a
 * step of the same file uses, say. Other modules stay imports, as they were written.
 * @param exported what the module exports besides `$perdure0` …: names of the file's own exports  @throws CompileError
 */
export async function buildWorkflowModule(file: string, exported: readonly string[]): Promise<ModuleText> {
  const { manifest } = compileFile(file);
  const names = [...manifest.workflows.map((_, index) => `$perdure${index}`), ...exported];
  const { outputFiles } = await esbuild().build({
    stdin: {
      contents: `export { ${names.map((name) => JSON.stringify(name)).join(", ")} } from ${JSON.stringify(SELF)};`,
      resolveDir: path.dirname(file),
    },
    write: false,
    bundle: true,
    format: "esm",
    platform: "neutral",
    target: "es2022",
    charset: "utf8",
    legalComments: "inline",
    treeShaking: true,
    sourcemap: "external",
    outdir: path.dirname(file),
    logLevel: "silent",
    plugins: [onlyThis(file)],
  });
  const text = (extension: string): string => outputFiles.find((output) => output.path.endsWith(extension))?.text ?? "";
  const map = JSON.parse(text(".js.map")) as ModuleText["map"];
  return {
    code: text(".js"),
    map: { ...map, sources: map.sources.map(() => file), sourcesContent: map.sources.map(() => readFileSync(file, "utf8")) },
  };
}

/** How the entry names the file. */
const SELF = "perdure:self";

function onlyThis(file: string): Plugin {
  return {
    name: "perdure-only-this",
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /.*/ }, ({ path: specifier, kind }) => {
        if (kind === "entry-point") return null;
        if (specifier === SELF) return { path: file, sideEffects: false };
        return { path: specifier, external: true, sideEffects: false };
      });
      onLoad({ filter: /.*/, namespace: "file" }, () => {
        const { code, map } = compileFile(file);
        return { contents: map === null ? code : `${code}\n//# sourceMappingURL=${map.toUrl()}`, loader: loaderOf(file) };
      });
    },
  };
}
