import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const written = /\.([cm]?)js(x?)$/;

/**
 * The URL of the TypeScript file behind an import of `./x.js`, as TypeScript itself reads it: null if the JavaScript file exists or the
 * TypeScript file does not, or if the import is not of a file.
 */
export function typescriptUrl(specifier: string, parentUrl: string | undefined): string | null {
  if (!/^(?:\.{0,2}\/|file:)/.test(specifier) || parentUrl?.startsWith("file:") !== true) return null;
  const url = new URL(specifier, parentUrl);
  if (!written.test(url.pathname) || existsSync(fileURLToPath(url))) return null;
  for (const extension of [".$1ts$2", ".tsx"]) {
    const candidate = new URL(url);
    candidate.pathname = url.pathname.replace(written, extension);
    if (existsSync(fileURLToPath(candidate))) return candidate.href;
  }
  return null;
}
