import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { locateModule } from "../bundle/module-location.ts";
import { findDirectiveModules } from "../scan/find-directive-modules.ts";

const SPECIFIER = "virtual:perdure";
const SCHEME = "perdure-application:";

/** The URL of the module that imports all modules with workflows or steps of the importer's package; null for any other import. */
export function applicationUrl(specifier: string, parentUrl: string | undefined): string | null {
  if (specifier !== SPECIFIER) return null;
  const importer = parentUrl?.startsWith("file:") === true ? fileURLToPath(parentUrl) : path.join(process.cwd(), "package.json");
  return SCHEME + encodeURIComponent(locateModule(importer).root);
}

export function isApplicationUrl(url: string): boolean {
  return url.startsWith(SCHEME);
}

/** The source of that module. */
export function applicationSource(url: string): string {
  const { files } = findDirectiveModules(decodeURIComponent(url.slice(SCHEME.length)));
  return files.map((file) => `import ${JSON.stringify(pathToFileURL(file).href)};\n`).join("");
}
