import { replaceParts } from "./replace-parts.ts";

const label = /__commonJS\(\{"([^"]*node_modules\/)/g;

/**
 * esbuild labels the CommonJS modules in a bundle with their paths. Where `node_modules` lies depends on the installation, and must not
 * count for the version: the labels begin with the name of the package instead. The source map moves along.
 */
export function shortenLabels(code: string, map: string): { code: string; map: string } {
  const parts = [...code.matchAll(label)].map((match) => {
    const path = match[1] ?? "";
    return { start: match.index + match[0].length - path.length, length: path.length, text: "" };
  });
  return replaceParts(code, map, parts);
}
