const PREFIX = "virtual:perdure/bundles?file=";

/** The import specifier of the module whose default export are the bundles of a file. */
export function bundlesId(file: string): string {
  return PREFIX + encodeURIComponent(file);
}

export function isBundlesRequest(id: string): boolean {
  return id.startsWith(PREFIX);
}

/** The file whose bundles a virtual module has, with or without the `\0` of resolved ids; null for any other id. */
export function fileOfBundlesId(id: string): string | null {
  const name = id.replace(/^\0/, "");
  return isBundlesRequest(name) ? decodeURIComponent(name.slice(PREFIX.length)) : null;
}
