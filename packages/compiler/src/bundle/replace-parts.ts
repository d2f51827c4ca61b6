import { TraceMap, decodedMappings, encodedMap } from "@jridgewell/trace-mapping";

/** A part of a text, without a line break in it, and what takes its place. */
export interface Part {
  start: number;
  length: number;
  text: string;
}

/** Replaces parts of a text, which come in order; the source map moves along. */
export function replaceParts(code: string, map: string, parts: readonly Part[]): { code: string; map: string } {
  if (parts.length === 0) return { code, map };
  let text = "";
  let offset = 0;
  for (const part of parts) {
    text += code.slice(offset, part.start) + part.text;
    offset = part.start + part.length;
  }
  const { sources, names } = JSON.parse(map) as { sources: string[]; names: string[] };
  const moved = new TraceMap({ version: 3, sources, names, mappings: movedMappings(code, map, parts) as never });
  return { code: text + code.slice(offset), map: JSON.stringify(encodedMap(moved)) };
}

/** Segments behind a part move by what it grew or shrank; those inside it go to where it begins. */
function movedMappings(code: string, map: string, parts: readonly Part[]): number[][][] {
  let lineStart = 0;
  let next = 0;
  return decodedMappings(new TraceMap(map)).map((segments) => {
    const lineEnd = code.indexOf("\n", lineStart) < 0 ? code.length : code.indexOf("\n", lineStart);
    let shift = 0;
    const moved = segments.map(([column, ...rest]) => {
      for (let part = parts[next]; part !== undefined && part.start + part.length <= lineStart + column; part = parts[next]) {
        shift += part.text.length - part.length;
        next++;
      }
      const inside = parts[next];
      const isInside = inside !== undefined && inside.start < lineStart + column;
      return [(isInside ? inside.start - lineStart : column) + shift, ...rest];
    });
    while ((parts[next]?.start ?? lineEnd) < lineEnd) next++;
    lineStart = lineEnd + 1;
    return moved;
  });
}
