import { Command, InvalidArgumentError } from "commander";
import type { Terminal } from "../terminal.ts";
import { inWorld, type WorldOptions, withWorldOptions } from "../world-options.ts";

interface CutOptions extends WorldOptions {
  readonly to: number | "failure" | { readonly step: string };
  readonly version?: string;
}

interface ForkOptions extends CutOptions {
  readonly args?: readonly unknown[];
  readonly id?: string;
}

/** `perdure rewind <run>`: takes back the end of a run's history. */
export function rewindCommand(terminal: Terminal): Command {
  return withCutOptions(new Command("rewind"))
    .description(
      "Take back the end of a run's history, by default its failure, and let it go on from there. Prints the id of the run that is what it was.",
    )
    .argument("<run>", "its id")
    .action(async (id: string, { to, version, ...options }: CutOptions) => {
      const { getRun } = await import("perdure/api");
      const rewind = { to, ...(version !== undefined && { version }) };
      const { kept, copy } = await inWorld(options, (world) => getRun(id, { world }).rewind(rewind));
      terminal.err(`Run ${id} goes on behind row ${kept}; what it was is run ${copy}.\n`);
      terminal.out(`${copy}\n`);
    });
}

/** `perdure fork <run>`: starts a run that has the first rows of another. */
export function forkCommand(terminal: Terminal): Command {
  return withCutOptions(new Command("fork"))
    .description("Start a run that has the first rows of another one's history, by default those before its failure. Prints its id.")
    .argument("<run>", "its id")
    .option("--args <json>", "the arguments of the new run, as a JSON array; default: those of the run", parseArgs)
    .option("--id <id>", "your own name for the new run")
    .action(async (from: string, { to, version, args, id, ...options }: ForkOptions) => {
      const { getRun } = await import("perdure/api");
      const fork = { to, ...(version !== undefined && { version }), ...(args && { args }), ...(id !== undefined && { id }) };
      const { runId } = await inWorld(options, (world) => getRun(from, { world }).fork(fork));
      terminal.out(`${runId}\n`);
    });
}

/** `perdure repin <run> <version>`: gives an open run other code. */
export function repinCommand(terminal: Terminal): Command {
  return withWorldOptions(new Command("repin"))
    .description("Give an open run another version of its workflow's code. It is taken up again at once.")
    .argument("<run>", "its id")
    .argument("<version>", "the version")
    .action(async (id: string, version: string, options: WorldOptions) => {
      const { getRun } = await import("perdure/api");
      await inWorld(options, (world) => getRun(id, { world }).repin(version));
      terminal.err(`Run ${id} has version ${version}.\n`);
    });
}

/** `perdure versions [workflow]`: the code that open runs have. */
export function versionsCommand(terminal: Terminal): Command {
  return withWorldOptions(new Command("versions"))
    .description("List the versions that open runs have, each with the number of these runs.")
    .argument("[workflow]", "the id of a workflow; default: all")
    .action(async (workflowId: string | undefined, options: WorldOptions) => {
      const { listVersions } = await import("perdure/api");
      const versions = await inWorld(options, (world) => listVersions({ world, ...(workflowId !== undefined && { workflowId }) }));
      for (const one of versions) terminal.out(`${one.openRuns}\t${one.workflowId}\t${one.version}\n`);
    });
}

function withCutOptions(command: Command): Command {
  return withWorldOptions(command)
    .option(
      "--to <row>",
      'how many rows stay; "failure": those before the failure; or the name of a step: those before it',
      parseRow,
      "failure",
    )
    .option("--version <version>", "the code that it goes on with; default: the one that it has");
}

function parseRow(text: string): CutOptions["to"] {
  if (text === "failure") return text;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  if (/^[\p{ID_Start}$_@]/u.test(text)) return { step: text };
  throw new InvalidArgumentError('It must be a whole number, "failure", or the name of a step.');
}

function parseArgs(text: string): readonly unknown[] {
  try {
    const args: unknown = JSON.parse(text);
    if (Array.isArray(args)) return args;
  } catch {
    // Said below.
  }
  throw new InvalidArgumentError("It must be a JSON array.");
}
