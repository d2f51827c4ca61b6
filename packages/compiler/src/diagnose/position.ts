/** A place in a source file. Lines and columns count from 1, columns in UTF-16 units, as in the messages of TypeScript. */
export interface Position {
  line: number;
  column: number;
}

/** Turns offsets of one source into positions. */
export function createPositionOf(code: string): (offset: number) => Position {
  const starts = lineStarts(code);
  return (offset) => {
    let low = 0;
    let high = starts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle + 1;
      else high = middle;
    }
    return { line: low, column: offset - (starts[low - 1] ?? 0) + 1 };
  };
}

/** The offset of a position, which must be one of the source. */
export function offsetOf(code: string, { line, column }: Position): number {
  return (lineStarts(code)[line - 1] ?? 0) + column - 1;
}

function lineStarts(code: string): number[] {
  const starts = [0];
  for (const match of code.matchAll(/\r\n|[\n\r\u2028\u2029]/g)) starts.push(match.index + match[0].length);
  return starts;
}
