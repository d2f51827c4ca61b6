import path, { type PlatformPath } from "node:path";

const PREFIX = "virtual:perdure/";
const SUFFIX = "/bundles";

/**
 * The import specifier of the module whose default export are the bundles of a file. It names the file relative to `folder`, so that
 * the same sources build to the same output everywhere, without any character that some bundler takes apart (queries, `..`, `%`), and
 * without an extension by which a loader for the file itself would take it.
 */
export function bundlesId(file: string, folder = process.cwd(), { relative, sep }: PlatformPath = path): string {
  const parts = relative(folder, file).split(sep);
  return PREFIX + parts.map((part) => (part === ".." ? UP : encodeURIComponent(part).replaceAll("%", "$"))).join("/") + SUFFIX;
}

/** The file whose bundles a virtual module has, with or without the `\0` of resolved ids; null for any other id. */
export function fileOfBundlesId(id: string, folder = process.cwd(), { resolve, sep }: PlatformPath = path): string | null {
  const name = id.replace(/^\0/, "");
  if (!name.startsWith(PREFIX) || !name.endsWith(SUFFIX)) return null;
  const parts = name.slice(PREFIX.length, -SUFFIX.length).split("/");
  return resolve(folder, parts.map((part) => (part === UP ? ".." : decodeURIComponent(part.replaceAll("$", "%")))).join(sep));
}

// No name encodes to it: `$` is always followed by two digits.
const UP = "$up";
