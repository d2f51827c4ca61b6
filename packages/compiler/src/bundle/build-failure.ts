import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import type { Message } from "esbuild";
import { CompileError, type Problem, createDiagnostic } from "../diagnose/diagnostic.ts";

/** esbuild's failure as a `CompileError`: our own diagnostics as they are, everything else as BUNDLE_FAILED at esbuild's place. */
export function failureOf(error: { errors?: Message[] }, root: string, file: string): unknown {
  if (error.errors === undefined) return error;
  const own = error.errors.flatMap(({ detail }) => (detail instanceof CompileError ? detail.diagnostics : []));
  const foreign = error.errors.filter(({ detail }) => !(detail instanceof CompileError));
  return new CompileError([...own, ...foreign.map((message) => diagnosticOf(message, root, file))]);
}

function diagnosticOf({ text, location }: Message, root: string, file: string) {
  const filename = location === null ? file : path.resolve(root, location.file);
  const code = existsSync(filename) ? readFileSync(filename, "utf8") : (location?.lineText ?? "");
  const start = location === null ? 0 : offsetOf(code, location.line, location.lineText, location.column);
  const problem: Problem = {
    code: "BUNDLE_FAILED",
    range: { start, end: start + (location?.length ?? 0) },
    parameters: { reason: text.replace(/\.$/, "") },
  };
  return createDiagnostic(problem, { code, filename });
}

/** esbuild counts columns in bytes of UTF-8. */
function offsetOf(code: string, line: number, lineText: string, column: number): number {
  const before = code.split("\n").slice(0, line - 1);
  const length = before.reduce((sum, text) => sum + text.length + 1, 0);
  return length + Buffer.from(lineText).subarray(0, column).toString().length;
}
