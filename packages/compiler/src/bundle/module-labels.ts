import { TraceMap, decodedMappings, encodedMap } from "@jridgewell/trace-mapping";

const label = /__commonJS\(\{"([^"]*node_modules\/)/g;

/**
 * esbuild labels the CommonJS modules in a bundle with their paths. Where `node_modules` lies depends on the installation, and must not
 * count for the version: the labels begin with the name of the package instead. The source map moves along.
 */
export function shortenLabels(code: string, map: string): { code: string; map: string } {
  const cuts = [...code.matchAll(label)].map((match) => {
    const path = match[1] ?? "";
    return { start: match.index + match[0].length - path.length, length: path.length };
  });
  if (cuts.length === 0) return { code, map };
  const lineStart = (offset: number) => code.lastIndexOf("\n", offset - 1) + 1;
  const mappings = decodedMappings(new TraceMap(map)).map((segments) => segments.map((segment) => [...segment]));
  let text = "";
  let offset = 0;
  for (const { start, length } of cuts) {
    text += code.slice(offset, start);
    offset = start + length;
  }
  for (const { start, length } of cuts.reverse()) {
    const column = start - lineStart(start);
    const line = code.slice(0, start).split("\n").length - 1;
    for (const segment of mappings[line] ?? []) if ((segment[0] ?? 0) > column) segment[0] = Math.max(column, (segment[0] ?? 0) - length);
  }
  const { sources, names } = JSON.parse(map) as { sources: string[]; names: string[] };
  const moved = new TraceMap({ version: 3, sources, names, mappings: mappings as never });
  return { code: text + code.slice(offset), map: JSON.stringify(encodedMap(moved)) };
}
