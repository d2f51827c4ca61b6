import { statSync } from "node:fs";
import path from "node:path";
import { exitStatus, failureOf } from "../failure.ts";

const loader = "@perdure/compiler/register";

/** A module that can be imported. */
export interface Entry {
  /** The absolute path. */
  readonly file: string;
  /** How messages call it: the path from the working directory. */
  readonly name: string;
}

/** @throws a Failure with ENTRY_NOT_FOUND */
export function findEntry(given: string): Entry {
  const file = path.resolve(given);
  const name = path.relative("", file) || given;
  const stats = statSync(file, { throwIfNoEntry: false });
  if (stats === undefined) throw failureOf("ENTRY_NOT_FOUND", exitStatus.usage, `There is no file ${name} (looked for ${file}).`);
  if (!stats.isFile()) throw failureOf("ENTRY_NOT_FOUND", exitStatus.usage, `${name} is not a file.`);
  return { file, name };
}

/** Node's options for the processes: our own ones, and the loader for an entry in TypeScript that none of them compiles. `NODE_OPTIONS` is inherited. */
export function nodeOptionsFor({ file }: Entry): string[] {
  const isCompiled = !/\.[cm]?tsx?$/.test(file);
  const own = process.execArgv;
  if (isCompiled || [...own, process.env.NODE_OPTIONS ?? ""].some((text) => text.includes(loader))) return [...own];
  return [...own, "--import", import.meta.resolve(loader)];
}
