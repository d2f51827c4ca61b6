/** A place in the source; line and column count from 1. */
export interface SourcePosition {
  /** The path from the folder of the package.json. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** What stands there, a call mostly, as compiled code has it: without types, on one line, shortened. */
  readonly text: string;
}
