import { existsSync } from "node:fs";
import path from "node:path";
import { locateModule } from "../bundle/module-location.ts";
import { dependsOnRuntime, readDependencies } from "../bundle/needs-compiling.ts";

/**
 * The packages below an application that may have directives: those that depend on `perdure`, as compiled code must be able to import
 * it. Tools that leave packages to Node must not leave these. Asks the application's dependencies, and those of each that it finds.
 */
export function packagesToCompile(folder: string): string[] {
  const { root } = locateModule(path.join(folder, "package.json"));
  const found = new Set<string>();
  const { dependencies, devDependencies, optionalDependencies } = readDependencies(path.join(root, "package.json")) ?? {};
  visit(root, { ...dependencies, ...devDependencies, ...optionalDependencies });
  return [...found].sort();

  function visit(from: string, names: Record<string, string>): void {
    for (const name of Object.keys(names)) {
      const manifest = found.has(name) ? null : manifestOf(name, from);
      if (manifest === null || !dependsOnRuntime(manifest)) continue;
      found.add(name);
      visit(path.dirname(manifest), readDependencies(manifest)?.dependencies ?? {});
    }
  }
}

function manifestOf(name: string, from: string): string | null {
  for (let folder = from; ; folder = path.dirname(folder)) {
    const manifest = path.join(folder, "node_modules", name, "package.json");
    if (existsSync(manifest)) return manifest;
    if (path.dirname(folder) === folder) return null;
  }
}
