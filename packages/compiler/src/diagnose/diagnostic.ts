import type { Range } from "../parse/nodes.ts";
import { codeFrames } from "../required.ts";
import { catalogue, type DiagnosticCode, type DiagnosticParameters, fillIn } from "./catalogue.ts";
import { type Position, createPositionOf } from "./position.ts";

/** A mistake in a source file: what, where, and what to do about it. */
export interface Diagnostic {
  code: DiagnosticCode;
  severity: "error" | "warning";
  message: string;
  hint: string;
  /** The file as it was given to the compiler: `filename`, or else the module id. */
  filename: string;
  start: Position;
  end: Position;
  /** The lines around it, with the place marked. */
  frame: string;
}

/** A mistake that an analysis has found: its code, its place and the parameters of its message. */
export type Problem = {
  [Code in DiagnosticCode]: { code: Code; range: Range; parameters: DiagnosticParameters<Code> };
}[DiagnosticCode];

/** The problem as a diagnostic for people: text filled in, offsets turned into lines and columns, code frame added. */
export function createDiagnostic(problem: Problem, source: { code: string; filename: string }): Diagnostic {
  const { severity, message, hint } = catalogue[problem.code];
  const positionOf = createPositionOf(source.code);
  const start = positionOf(problem.range.start);
  const end = positionOf(Math.max(problem.range.start, problem.range.end));
  return {
    code: problem.code,
    severity,
    message: fillIn(message, problem.parameters),
    hint: fillIn(hint, problem.parameters),
    filename: source.filename,
    start,
    end,
    frame: codeFrames().codeFrameColumns(source.code, end.line - start.line > 5 ? { start } : { start, end }, { highlightCode: false }),
  };
}

/** The diagnostic as a text for the terminal: `file:line:column`, code, message, hint and code frame. */
export function formatDiagnostic(diagnostic: Diagnostic): string {
  const { filename, start, code, message, hint, frame } = diagnostic;
  return `${filename}:${start.line}:${start.column}\n${code}: ${message} ${hint}\n\n${frame}`;
}

/** Thrown by everything that must not go on after a mistake: bundler plugins, the loader, the bundler. */
export class CompileError extends Error {
  declare readonly diagnostics: readonly Diagnostic[];

  constructor(diagnostics: readonly Diagnostic[]) {
    super(diagnostics.map(formatDiagnostic).join("\n\n"));
    // Not enumerable: the message has it all, and Node would print it twice.
    Object.defineProperty(this, "diagnostics", { value: diagnostics });
  }

  override get name(): string {
    return "CompileError";
  }
}
