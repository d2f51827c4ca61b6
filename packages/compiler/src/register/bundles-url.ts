const SCHEME = "perdure-bundles:";

// Beside this file, in src and in dist.
const loader = new URL(import.meta.url.endsWith(".ts") ? "./bundles.ts" : "./bundles.js", import.meta.url).href;

/** The URL of the module whose default export are the bundles of a file. */
export function bundlesUrl(file: string): string {
  return `${SCHEME}${encodeURIComponent(file)}`;
}

export function isBundlesUrl(url: string): boolean {
  return url.startsWith(SCHEME);
}

/** The source of that module: it builds the bundles when it is evaluated, because the loader's hooks must be synchronous. */
export function bundlesSource(url: string): string {
  const file = decodeURIComponent(url.slice(SCHEME.length));
  return `import { loadBundles } from ${JSON.stringify(loader)};\nexport default await loadBundles(${JSON.stringify(file)});\n`;
}
