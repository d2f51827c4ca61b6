import { existsSync, readFileSync } from "node:fs";
import { type Diagnostic, type Problem, createDiagnostic } from "../diagnose/diagnostic.ts";

/** A diagnostic in a file that is read for it. */
export function diagnosticIn(filename: string, problem: (source: string) => Problem): Diagnostic {
  const code = sourceOf(filename);
  return createDiagnostic(problem(code), { code, filename });
}

export function sourceOf(filename: string): string {
  return existsSync(filename) ? readFileSync(filename, "utf8") : "";
}

/** The offset of a line, from 1, and column, from 0. */
export function offsetOf(source: string, { line, column }: { line: number; column: number }): number {
  const lines = source.split("\n").slice(0, line - 1);
  return lines.reduce((sum, text) => sum + text.length + 1, 0) + column;
}
