// Runs `npm ci` unless node_modules holds what package-lock.json says. Contents are compared, not times: git sets times as it likes.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { npm } from "./run.mjs";

const read = (path) => JSON.parse(readFileSync(new URL(`../${path}`, import.meta.url), "utf8")).packages;

/** True when a package of the lock file is missing or has another version. Optional ones may be absent on this platform. */
export function isInstallStale() {
  let installed;
  try {
    installed = read("node_modules/.package-lock.json");
  } catch {
    return true;
  }
  return Object.entries(read("package-lock.json")).some(([path, entry]) => {
    const inModules = path.includes("node_modules/");
    return inModules && !entry.optional && !entry.link && installed[path]?.version !== entry.version;
  });
}

/** Makes node_modules fit package-lock.json. Returns false when npm failed. */
export function install() {
  return !isInstallStale() || npm("ci") === 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url) && !install()) process.exitCode = 1;
