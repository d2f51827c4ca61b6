import path from "node:path";
import { fileKey } from "../bundle/file-key.ts";
import { locateModule } from "../bundle/module-location.ts";
import { type DirectiveModules, type ScanOptions, findDirectiveModules } from "../scan/find-directive-modules.ts";
import { isModuleFile } from "../scan/module-files.ts";
import { hasDirectives } from "./has-directives.ts";

/** What a worker imports to have every workflow and step of its application. */
export const APPLICATION_ID = "virtual:perdure";

/** The modules of an application with workflows or steps, and the module that imports them all. */
export interface Application extends DirectiveModules {
  code: string;
}

/** Scans the package that `folder` belongs to: that of the nearest package.json with a name. */
export function scanApplication(folder: string, options: ScanOptions): Application {
  const { root } = locateModule(path.join(folder, "package.json"));
  const found = findDirectiveModules(root, options);
  return { ...found, code: importsOf(found.files) };
}

/** Says whether a change of a file may change the application's module: it began or ceased to declare something, or came or went. */
export function concernsApplication({ files, folders }: Application, file: string): boolean {
  if (!isModuleFile(path.basename(file)) || !folders.some((folder) => fileKey(folder) === fileKey(path.dirname(file)))) return false;
  return files.some((known) => fileKey(known) === fileKey(file)) !== hasDirectives(file);
}

/** Imports of files for their effects, one per line. */
export function importsOf(files: readonly string[]): string {
  return files.map((file) => `import ${JSON.stringify(file.replaceAll("\\", "/"))};\n`).join("");
}
