import os from "node:os";
import { Command, InvalidArgumentError } from "commander";
import { Failure } from "../failure.ts";
import type { Terminal } from "../terminal.ts";
import { findEntry, nodeOptionsFor } from "../worker/find-entry.ts";
import { supervise } from "../worker/supervise.ts";

interface WorkerOptions {
  readonly entry: string;
  readonly processes: number;
  readonly grace: number;
}

/** `perdure worker --entry <file>`: processes that execute runs. */
export function workerCommand(terminal: Terminal): Command {
  return new Command("worker")
    .description("Execute runs in processes of their own, which are started again when they die.")
    .requiredOption("--entry <file>", "the module that imports your workflows and steps")
    .option("--processes <number>", 'how many processes, or "auto" for one per core', parseProcesses, 1)
    .option("--grace <duration>", "how long they may take to end after SIGTERM or SIGINT, such as 25s or 2m", parseDuration, 25_000)
    .action(async ({ entry: given, processes, grace }: WorkerOptions) => {
      const entry = findEntry(given);
      const status = await supervise({ entry, processes, graceMs: grace, execArgv: nodeOptionsFor(entry) }, terminal);
      if (status !== 0) throw new Failure(status, "perdure: Not all processes ended well.");
    });
}

const mostProcesses = 1024;

function parseProcesses(text: string): number {
  if (text === "auto") return os.availableParallelism();
  const number = /^\d+$/.test(text) ? Number(text) : 0;
  if (number < 1 || number > mostProcesses)
    throw new InvalidArgumentError(`It must be a whole number from 1 to ${mostProcesses}, or auto.`);
  return number;
}

const units = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;

/** Milliseconds of a text such as `25s`. */
function parseDuration(text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text) ?? [];
  const ms = Number(number) * units[unit as keyof typeof units];
  // What timers can wait for.
  if (!(ms < 2 ** 31)) throw new InvalidArgumentError("It must be a duration such as 500ms, 25s or 2m.");
  return ms;
}
