import { readFileSync, statSync } from "node:fs";
import path from "node:path";
import { exitStatus, Failure } from "../failure.ts";

/** A file that can be compiled. */
export interface Source {
  readonly code: string;
  /** The absolute path. */
  readonly file: string;
  /** How messages call it: the path from the working directory. */
  readonly name: string;
}

const isCode = /\.[cm]?[jt]sx?$/;

/** Reads a file. Throws a `Failure` that says what is wrong with the path. */
export function readSource(given: string): Source {
  const file = path.resolve(given);
  const name = path.relative("", file) || given;
  const stats = statSync(file, { throwIfNoEntry: false });
  if (stats === undefined) throw new Failure(exitStatus.usage, `There is no file ${name} (looked for ${file}).`);
  if (stats.isDirectory())
    throw new Failure(exitStatus.usage, `${name} is a folder. Give one file, such as ${path.join(given, "order.ts")}.`);
  if (!isCode.test(file)) throw new Failure(exitStatus.usage, `${name} is neither JavaScript nor TypeScript by its name.`);
  try {
    return { code: readFileSync(file, "utf8"), file, name };
  } catch (error) {
    throw new Failure(exitStatus.usage, `${name} cannot be read: ${(error as Error).message}.`);
  }
}
