import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository's root folder. */
export const root = fileURLToPath(new URL("../", import.meta.url));

/** All files below a folder of the repository, as paths from the root. None if the folder does not exist. */
export function filesBelow(folder: string): string[] {
  let names: string[];
  try {
    names = readdirSync(join(root, folder), { recursive: true, encoding: "utf8" });
  } catch {
    return [];
  }
  return names.map((name) => `${folder}/${name.replaceAll("\\", "/")}`).filter((path) => !path.includes("node_modules/"));
}

/** A file's text, by its path from the root. */
export const textOf = (path: string): string => readFileSync(join(root, path), "utf8");
