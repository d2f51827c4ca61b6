import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import remapping, { type SourceMapInput } from "@jridgewell/remapping";
import { fileKey } from "../bundle/file-key.ts";

/** What we use of the result of Bun's bundler. */
export interface BunBuildResult {
  outputs: readonly { kind: string; path: string }[];
}

const inline = /(?<=\n\/\/# sourceMappingURL=data:application\/json;base64,)[\w+/=]+/;

/**
 * Continues the source maps that Bun has written to the sources: it ignores the maps of what plugins load. `maps` are those of our
 * compiled files, by `fileKey`.
 */
export function continueSourceMaps({ outputs }: BunBuildResult, maps: ReadonlyMap<string, SourceMapInput>): void {
  for (const { kind, path: file } of outputs) {
    if (!existsSync(file)) continue; // kept in memory
    const text = readFileSync(file, "utf8");
    if (kind === "sourcemap") writeFileSync(file, continued(text, file, maps));
    else if (inline.test(text)) {
      const json = Buffer.from(inline.exec(text)?.[0] ?? "", "base64").toString();
      writeFileSync(file, text.replace(inline, Buffer.from(continued(json, file, maps)).toString("base64")));
    }
  }
}

function continued(json: string, file: string, maps: ReadonlyMap<string, SourceMapInput>): string {
  const folder = path.dirname(file);
  // One step only: the source of our map has the same name.
  const map = remapping(json, (source, { depth }) => (depth > 1 ? null : (maps.get(fileKey(path.resolve(folder, source))) ?? null)));
  return JSON.stringify({ ...(JSON.parse(json) as object), ...map });
}
