import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { locateModule } from "../bundle/module-location.ts";

interface PackageJson {
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
}

/**
 * The packages below an application that may have directives: those that depend on `perdure`, as compiled code must be able to import
 * it. Tools that leave packages to Node must not leave these. Asks the application's dependencies, and those of each that it finds.
 */
export function packagesToCompile(folder: string): string[] {
  const { root } = locateModule(path.join(folder, "package.json"));
  const found = new Set<string>();
  const { dependencies, devDependencies, optionalDependencies } = read(path.join(root, "package.json")) ?? {};
  visit(root, { ...dependencies, ...devDependencies, ...optionalDependencies });
  return [...found].sort();

  function visit(from: string, names: Record<string, string>): void {
    for (const name of Object.keys(names)) {
      const manifest = found.has(name) ? null : manifestOf(name, from);
      const content = manifest === null ? null : read(manifest);
      if (manifest === null || content === null || !dependsOnRuntime(content)) continue;
      found.add(name);
      visit(path.dirname(manifest), content.dependencies ?? {});
    }
  }
}

function dependsOnRuntime({ dependencies, peerDependencies }: PackageJson): boolean {
  return dependencies?.["perdure"] !== undefined || peerDependencies?.["perdure"] !== undefined;
}

function manifestOf(name: string, from: string): string | null {
  for (let folder = from; ; folder = path.dirname(folder)) {
    const manifest = path.join(folder, "node_modules", name, "package.json");
    if (existsSync(manifest)) return manifest;
    if (path.dirname(folder) === folder) return null;
  }
}

function read(manifest: string): PackageJson | null {
  try {
    return JSON.parse(readFileSync(manifest, "utf8")) as PackageJson;
  } catch {
    return null;
  }
}
