import type { ParserOptions, ParserPlugin } from "@babel/parser";
import type { File } from "@babel/types";
import { parse as babelParse } from "../required.ts";

/** A parsed module, or where and why it does not parse. */
export type ParseResult = { ok: true; file: File } | { ok: false; message: string; offset: number };

interface BabelSyntaxError extends SyntaxError {
  pos?: number;
  reasonCode?: string;
}

/**
 * Parses one module. The file name decides the language: `.ts`, `.mts` and `.cts` are TypeScript, `.tsx` adds JSX, everything else is
 * JavaScript with JSX. A query behind the extension (`?v=1`) does not count. Decorators are those of the language, or where parameters have
 * some, which the language does not know, TypeScript's experimental ones.
 */
export function parse(code: string, filename: string): ParseResult {
  const first = tryParse(code, options(filename, "decorators"));
  return !first.ok && first.hasParameterDecorators ? tryParse(code, options(filename, "decorators-legacy")) : first;
}

function tryParse(code: string, parserOptions: ParserOptions): ParseResult & { hasParameterDecorators?: boolean } {
  try {
    return { ok: true, file: babelParse(code, parserOptions) };
  } catch (error) {
    const { message, pos, reasonCode } = error as BabelSyntaxError;
    const hasParameterDecorators = reasonCode === "UnsupportedParameterDecorator";
    return { ok: false, message: message.replace(/\.? *\(\d+:\d+\)$/, ""), offset: pos ?? 0, hasParameterDecorators };
  }
}

function options(filename: string, decorators: "decorators" | "decorators-legacy"): ParserOptions {
  const name = filename.replace(/[?#].*$/, "");
  const plugins: ParserPlugin[] = [decorators, "decoratorAutoAccessors", "explicitResourceManagement", "importAttributes"];
  if (/\.[cm]?ts$/.test(name)) plugins.push("typescript");
  else if (name.endsWith(".tsx")) plugins.push("typescript", "jsx");
  else plugins.push("jsx");
  return {
    sourceType: /\.c[jt]s$/.test(name) ? "unambiguous" : "module",
    plugins,
    allowReturnOutsideFunction: true,
    allowAwaitOutsideFunction: true,
    createImportExpressions: true,
    // A re-export of a name which is declared nowhere is the next tool's error, not ours.
    allowUndeclaredExports: true,
    attachComment: false,
  };
}
