import type { ManifestEntry } from "@perdure/compiler";
import type { Transformed } from "./transform.ts";

/** The steps and workflows of a file as a table, in the order of the source. */
export function listManifest({ manifest, source }: Transformed): string {
  const entries = [
    ...manifest.workflows.map((entry) => ({ kind: "workflow", ...entry })),
    ...manifest.steps.map((entry) => ({ kind: "step", ...entry })),
  ].sort((a, b) => a.start.line - b.start.line || a.start.column - b.start.column);
  const width = Math.max(0, ...entries.map(({ id }) => id.length));
  const lines = entries.map(
    (entry) =>
      `${entry.kind.padEnd(8)}  ${entry.id.padEnd(width)}  ${source.name}:${entry.start.line}:${entry.start.column}${given(entry)}`,
  );
  return lines.map((line) => `${line}\n`).join("");
}

function given({ captures }: ManifestEntry): string {
  return captures.length === 0 ? "" : `  gets ${captures.join(", ")}`;
}
