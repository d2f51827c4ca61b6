import { readFileSync } from "node:fs";
import path from "node:path";
import { mayHaveDirectives, mayHaveStoredClasses } from "../parse/pre-filter.ts";
import { locateModule } from "./module-location.ts";

/** They speak of directives and have none. One of their modules is the kernel's text, which takes longer to parse than most applications. */
const ownPackages: ReadonlySet<string> = new Set([
  "perdure",
  "@perdure/world",
  "@perdure/world-sqlite",
  "@perdure/world-postgres",
  "@perdure/compiler",
  "@perdure/cli",
]);

const inPackage = /[\\/]node_modules[\\/]/;

/**
 * Whether the host's module of a file must be compiled, as far as its text tells: for its directives, or for classes whose instances can be stored. Those of a
 * package that does not depend on `perdure` stay as they are, for they could not import what registers them.
 */
export function needsCompiling(file: string, code: string): boolean {
  if (mayHaveDirectives(code)) return !ownPackages.has(locateModule(file).name);
  return mayHaveStoredClasses(code) && (!inPackage.test(file) || dependsOnRuntime(path.join(locateModule(file).root, "package.json")));
}

/** What a package.json says of dependencies. */
export interface Dependencies {
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
}

/** Null where there is no package.json, or none that parses. */
export function readDependencies(manifest: string): Dependencies | null {
  try {
    return JSON.parse(readFileSync(manifest, "utf8")) as Dependencies;
  } catch {
    return null;
  }
}

/** Whether compiled code of a package can import the runtime. */
export function dependsOnRuntime(manifest: string): boolean {
  const { dependencies, peerDependencies } = readDependencies(manifest) ?? {};
  return dependencies?.["perdure"] !== undefined || peerDependencies?.["perdure"] !== undefined;
}
