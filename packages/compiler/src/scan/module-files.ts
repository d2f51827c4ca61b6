import { type Dirent, existsSync, readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import createIgnore, { type Ignore } from "ignore";

/** Folders that hold no sources: packages, what builds and test runs write. Names that begin with a dot are left out as well. */
const skippedFolders = new Set([
  "node_modules",
  "bower_components",
  "dist",
  "build",
  "out",
  "output",
  "coverage",
  "__tests__",
  "__mocks__",
]);

const codeFile = /\.[cm]?[jt]sx?$/;
const notLoaded = /\.d\.[cm]?ts$|\.(?:test|spec|bench|stories)\.[cm]?[jt]sx?$/;

/** Says whether a file may be a module of an application, by its name alone: code that is neither a declaration file nor a test. */
export function isModuleFile(name: string): boolean {
  return codeFile.test(name) && !notLoaded.test(name);
}

/** What git ignores below a folder, as far as `.gitignore` files say. */
type IgnoredPath = (file: string, isFolder: boolean) => boolean;

/** Files that may be modules of an application, in the order of their names, and the folders in which new ones would be found. */
export interface ModuleFiles {
  files: string[];
  folders: string[];
}

/**
 * Lists the files below folders that may be modules, with a test for what git ignores. The test is for the few files that turn out to
 * matter: folders have been asked already, and a pattern that names files is rare.
 */
export function listModuleFiles(root: string, folders: readonly string[]): ModuleFiles & { isIgnored: (file: string) => boolean } {
  const ignored = new Map<string, IgnoredPath>();
  const found: ModuleFiles = { files: [], folders: [] };
  for (const folder of folders) {
    visit(folder, ignoredAbove(root, folder));
  }
  return { ...found, isIgnored: (file) => ignored.get(path.dirname(file))?.(file, false) ?? false };

  function visit(folder: string, above: IgnoredPath): void {
    const isIgnored = withIgnoreFile(folder, above);
    ignored.set(folder, isIgnored);
    found.folders.push(folder);
    for (const entry of entriesOf(folder)) {
      const { name } = entry;
      if (name.startsWith(".")) continue;
      const full = folder + path.sep + name;
      if (entry.isFile() && isModuleFile(name)) found.files.push(full);
      else if (entry.isDirectory() && !skippedFolders.has(name) && !isIgnored(full, true)) visit(full, isIgnored);
    }
  }
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch {
    return []; // gone, or not a folder
  }
}

/** The `.gitignore` files from the package's folder down to a folder in it, that folder left out. */
function ignoredAbove(root: string, folder: string): IgnoredPath {
  const steps = path.relative(root, folder).split(path.sep).filter(Boolean);
  let ignored: IgnoredPath = () => false;
  let current = root;
  for (const step of steps) {
    ignored = withIgnoreFile(current, ignored);
    current = path.join(current, step);
  }
  return ignored;
}

function withIgnoreFile(folder: string, above: IgnoredPath): IgnoredPath {
  const file = path.join(folder, ".gitignore");
  if (!existsSync(file)) return above;
  const rules: Ignore = createIgnore().add(readFileSync(file, "utf8"));
  return (full, isFolder) => {
    const relative = full.slice(folder.length + 1).replaceAll("\\", "/");
    const { ignored, unignored } = rules.test(isFolder ? `${relative}/` : relative);
    return ignored || (!unignored && above(full, isFolder));
  };
}
