import { decodedMappings, TraceMap } from "@jridgewell/trace-mapping";
import type { CompileResult } from "@perdure/compiler";

/** A line of compiled code. */
export interface OutputLine {
  readonly text: string;
  /** The line of the source that it came from, counted from 1; null for what the compiler added. */
  readonly from: number | null;
  /** Whether it stands between the lines that surround it in the source too; hoisted lines do not. */
  readonly inPlace: boolean;
}

/** Splits code into lines. */
export function linesOf(code: string): string[] {
  const lines = code.split(/\r\n|[\n\r\u2028\u2029]/);
  if (lines.at(-1) === "") lines.pop();
  return lines;
}

/** The lines of compiled code, each with the line of the source that its first mapped character came from. */
export function traceLines({ code, map }: CompileResult): OutputLine[] {
  const lines = linesOf(code);
  const origins = map === null ? lines.map((_, index) => index + 1) : originsOf(map.toString(), lines.length);
  const kept = longestOrdered(origins);
  return lines.map((text, index) => ({ text, from: origins[index] ?? null, inPlace: kept.has(index) }));
}

function originsOf(map: string, count: number): (number | null)[] {
  const mappings = decodedMappings(new TraceMap(map));
  return Array.from({ length: count }, (_, index) => {
    const segment = mappings[index]?.find(({ length }) => length > 1);
    return segment?.[2] === undefined ? null : segment[2] + 1;
  });
}

/** The indices of the most origins that do not decrease: those lines can stand beside their source lines, and all others must give way. */
function longestOrdered(origins: readonly (number | null)[]): ReadonlySet<number> {
  // Patience sorting: `tails[n]` ends the ordered selection of n + 1 lines whose last origin is smallest.
  const tails: number[] = [];
  const previous = new Map<number, number | undefined>();
  for (const [index, origin] of origins.entries()) {
    if (origin === null) continue;
    const longer = tails.findIndex((tail) => (origins[tail] ?? 0) > origin);
    const length = longer === -1 ? tails.length : longer;
    previous.set(index, tails[length - 1]);
    tails[length] = index;
  }
  const kept = new Set<number>();
  for (let index = tails.at(-1); index !== undefined; index = previous.get(index)) kept.add(index);
  return kept;
}
