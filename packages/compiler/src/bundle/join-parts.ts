import { createHash } from "node:crypto";
import { TraceMap, decodedMappings, encodedMap } from "@jridgewell/trace-mapping";
import type { Bundle } from "./bundle.ts";
import type { Output } from "./build-parts.ts";

/** What a bundle says first: which names there are on `__perdure` and what they mean, and how the text is made up. */
const PROTOCOL = 1;
const PROTOCOL_WITH_SHARED = 2;

/** The bundle of finished parts. Of the shared part, which comes last, the head says how long it is. */
export function joinParts(main: Output, shared: Output | null): Bundle {
  if (shared === null) return bundleOf(`/*perdure:${PROTOCOL}*/${main.code}`, main.map);
  const head = `/*perdure:${PROTOCOL_WITH_SHARED} ${shared.code.length}*/${main.code.replace("(__perdure)", "(__perdure,__shared)")}\n`;
  return bundleOf(head + shared.code, concatenate(main.map, head.split("\n").length - 1, shared.map));
}

function bundleOf(code: string, map: string): Bundle {
  return { version: createHash("sha256").update(code).digest("hex"), code, map: JSON.stringify(JSON.parse(map)) };
}

/** The map of two texts, of which the second begins at a line (from 0). */
function concatenate(first: string, line: number, second: string): string {
  const [one, two] = [JSON.parse(first) as SourceMap, JSON.parse(second) as SourceMap];
  const sources = [...one.sources];
  const indexes = two.sources.map((source) => {
    const known = sources.indexOf(source);
    return known >= 0 ? known : sources.push(source) - 1;
  });
  const lines = decodedMappings(new TraceMap(first)).map((segments) => segments.map((segment) => [...segment]));
  while (lines.length < line) lines.push([]);
  for (const segments of decodedMappings(new TraceMap(second)))
    lines.push(segments.map(([column, source, ...rest]) => moved(column, source, rest)));
  const joined = new TraceMap({ version: 3, sources, names: [...one.names, ...two.names], mappings: lines as never });
  return JSON.stringify(encodedMap(joined));

  function moved(column: number, source: number | undefined, rest: readonly number[]): number[] {
    if (source === undefined) return [column];
    const [originalLine = 0, originalColumn = 0, name] = rest;
    const place = [column, indexes[source] ?? 0, originalLine, originalColumn];
    return name === undefined ? place : [...place, one.names.length + name];
  }
}

interface SourceMap {
  readonly sources: string[];
  readonly names: string[];
}
