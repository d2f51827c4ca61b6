import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";

export interface DemoOptions {
  /** Decides who orders what and when, and the moment of the kill. */
  readonly seed: number;
  /** Leaves the World and the ledgers where they are. */
  readonly keep: boolean;
}

/** Reads the command line. Prints what is wrong with it and ends the process if something is. */
export function readOptions(args: readonly string[]): DemoOptions {
  try {
    const { values } = parseArgs({ args: [...args], options: { seed: { type: "string" }, keep: { type: "boolean" } } });
    const seed = Number(values.seed ?? randomInt(1, 10_000));
    if (!Number.isSafeInteger(seed) || seed < 0) throw new Error(`--seed is "${values.seed}"; it must be a whole number.`);
    return { seed, keep: values.keep ?? false };
  } catch (error) {
    console.error(`${(error as Error).message}\nnpm run demo -- [--seed <number>] [--keep]`);
    process.exit(2);
  }
}
