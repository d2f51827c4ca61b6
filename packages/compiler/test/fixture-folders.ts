import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("./fixtures", import.meta.url));

/** A folder of a fixture: an `input` of some extension, and what is expected of it. */
export interface Fixture {
  name: string;
  folder: string;
  /** The name of the input file. */
  input: string;
  code: string;
}

/** The fixtures of a kind: one folder for each behaviour. */
export function fixtures(kind: string): Fixture[] {
  const folders = readdirSync(path.join(root, kind)).sort();
  return folders.map((name) => {
    const folder = path.join(root, kind, name);
    const input = readdirSync(folder).find((file) => file.startsWith("input.")) ?? "";
    return { name, folder, input, code: readFileSync(path.join(folder, input), "utf8") };
  });
}

/** What the file says, or with UPDATE_FIXTURES=1 what it says from now on. */
export function expected(folder: string, file: string, actual: string): string {
  const name = path.join(folder, file);
  if (process.env["UPDATE_FIXTURES"]) writeFileSync(name, actual);
  return existsSync(name) ? readFileSync(name, "utf8") : "";
}
