/** A place in a source file. Lines and columns count from 1, columns in UTF-16 units, as in the messages of TypeScript. */
export interface Position {
  line: number;
  column: number;
}

export function positionAt(code: string, offset: number): Position {
  const lines = code.slice(0, offset).split(/\r\n|[\n\r\u2028\u2029]/);
  return { line: lines.length, column: (lines.at(-1) ?? "").length + 1 };
}
