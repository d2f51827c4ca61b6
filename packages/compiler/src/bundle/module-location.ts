import { existsSync, readFileSync, realpathSync } from "node:fs";
import path from "node:path";

/** Where a file belongs. */
export interface ModuleLocation {
  /** The file's real path. */
  file: string;
  /** The id of the module, with which the ids of its functions begin: `<package name>/<path from its package.json>`. */
  id: string;
  /** The folder of that package.json. */
  root: string;
  /** The name of the package. */
  name: string;
}

const packages = new Map<string, { root: string; name: string }>();

/**
 * Finds the package to which a file belongs: that of the nearest package.json above it with a `name`. Without any, the nearest
 * package.json's folder, or else the file's own, gives the name. The id is the same on every machine: POSIX, without version or working
 * directory. Packages are read once per process.
 */
export function locateModule(file: string): ModuleLocation {
  const real = existsSync(file) ? realpathSync(file) : path.resolve(file);
  const { root, name } = packageOf(path.dirname(real));
  return { file: real, id: `${name}/${path.relative(root, real).split(path.sep).join("/")}`, root, name };
}

function packageOf(folder: string): { root: string; name: string } {
  const known = packages.get(folder);
  if (known !== undefined) return known;
  const found = findPackage(folder);
  packages.set(folder, found);
  return found;
}

function findPackage(folder: string): { root: string; name: string } {
  let nameless: string | null = null;
  for (let current = folder; ; current = path.dirname(current)) {
    const manifest = path.join(current, "package.json");
    if (existsSync(manifest)) {
      const name = packageName(manifest);
      if (name !== null) return { root: current, name };
      nameless ??= current;
    }
    if (path.dirname(current) === current) break;
  }
  const root = nameless ?? folder;
  return { root, name: path.basename(root) || "app" };
}

function packageName(manifest: string): string | null {
  try {
    const { name } = JSON.parse(readFileSync(manifest, "utf8")) as { name?: unknown };
    return typeof name === "string" && name !== "" ? name : null;
  } catch {
    return null;
  }
}
