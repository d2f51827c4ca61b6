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

/**
 * How much young objects may take, in MB, before V8 looks which are in use (its default is 16). A busy worker makes many that live for the length of a commit: with the
 * default most of what it looks at is still in use. Measured: docs/workers.md.
 */
const youngSpaceMb = 64;

/** Node's options for the processes: our own ones, and the loader for an entry in TypeScript that none of them compiles. `NODE_OPTIONS` is inherited. */
export function nodeOptionsFor({ file }: Entry): string[] {
  const given = [...process.execArgv, process.env.NODE_OPTIONS ?? ""];
  const has = (option: string): boolean => given.some((text) => text.replaceAll("_", "-").includes(option));
  const options = [...process.execArgv];
  if (!has("semi-space-size")) options.push(`--max-semi-space-size=${youngSpaceMb}`);
  if (/\.[cm]?tsx?$/.test(file) && !has(loader)) options.push("--import", import.meta.resolve(loader));
  return options;
}
