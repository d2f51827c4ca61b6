import { existsSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { CompileError, createDiagnostic } from "../diagnose/diagnostic.ts";
import type { Renames } from "./former-ids.ts";

/** The file beside a package.json that declares former ids. */
const RENAMES_FILE = "perdure.renames.json";

const known = new Map<string, { changed: number; renames: Renames }>();

/** What `perdure.renames.json` in a package's folder declares; nothing if there is no such file. Throws a `CompileError` (RENAMES_INVALID). */
export function readRenames(root: string): Renames {
  const file = path.join(root, RENAMES_FILE);
  if (!existsSync(file)) return {};
  const changed = statSync(file).mtimeMs;
  const before = known.get(file);
  if (before?.changed === changed) return before.renames;
  const renames = parseRenames(file, readFileSync(file, "utf8"));
  known.set(file, { changed, renames });
  return renames;
}

function parseRenames(file: string, code: string): Renames {
  const refuse = (reason: string, start = 0, length = 0): never => {
    const problem = { code: "RENAMES_INVALID", range: { start, end: start + length }, parameters: { file: RENAMES_FILE, reason } } as const;
    throw new CompileError([createDiagnostic(problem, { code, filename: file })]);
  };
  let value: unknown;
  try {
    value = JSON.parse(code);
  } catch (error) {
    return refuse(`it is not JSON (${(error as Error).message})`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return refuse("it must be an object from former ids to present ones");
  for (const [former, id] of Object.entries(value)) {
    const text = JSON.stringify(former);
    const at = Math.max(0, code.indexOf(text));
    if (typeof id !== "string") return refuse(`the value of ${text} is not a string`, at, text.length);
    if (former.includes("#") !== id.includes("#"))
      return refuse(`${text} and "${id}" must both name a function, or both a module`, at, text.length);
    if (former === id) return refuse(`${text} is renamed to itself`, at, text.length);
  }
  return value as Renames;
}
