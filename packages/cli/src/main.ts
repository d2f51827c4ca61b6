import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { checkCommand } from "./commands/check.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { exportHistoryCommand } from "./commands/export-history.ts";
import { migrateCommand } from "./commands/migrate.ts";
import { forkCommand, repinCommand, rewindCommand, versionsCommand } from "./commands/repair.ts";
import { transformCommand } from "./commands/transform.ts";
import { workerCommand } from "./commands/worker.ts";
import { exitStatus, Failure } from "./failure.ts";
import type { Terminal } from "./terminal.ts";

/** Makes a command; one file in `commands` for each. */
export type CommandFactory = (terminal: Terminal) => Command;

const commands: readonly CommandFactory[] = [
  transformCommand,
  workerCommand,
  migrateCommand,
  doctorCommand,
  checkCommand,
  versionsCommand,
  rewindCommand,
  forkCommand,
  repinCommand,
  exportHistoryCommand,
];

/** Runs `perdure` with these arguments. Resolves with its exit status; writes only to the terminal. */
export async function main(args: readonly string[], terminal: Terminal): Promise<number> {
  try {
    await createProgram(terminal).parseAsync(args, { from: "user" });
    return exitStatus.ok;
  } catch (error) {
    if (error instanceof Failure) {
      terminal.err(`${error.message}\n`);
      return error.status;
    }
    // Commander has said what is wrong, or printed what was asked for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitStatus.ok : exitStatus.usage;
    throw error;
  }
}

function createProgram(terminal: Terminal): Command {
  const program = new Command("perdure")
    .description("Tools for durable workflows.")
    .version(ownVersion(), "--version", "print the version")
    .helpOption("--help", "print help")
    .helpCommand(false)
    // What stands behind a command is the command's: `--version` too.
    .enablePositionalOptions();
  for (const create of commands) program.addCommand(create(terminal));
  for (const command of [program, ...program.commands]) {
    command
      .helpOption("--help", "print help")
      .showHelpAfterError(`Run "${nameOf(command)} --help" for help.`)
      .exitOverride()
      .configureOutput({
        writeOut: (text) => terminal.out(text),
        writeErr: (text) => terminal.err(text),
        getOutHelpWidth: () => terminal.columns ?? 80,
        getErrHelpWidth: () => terminal.columns ?? 80,
        outputError: (text, write) => write(text.replace(/^error: (.)/, (_, first: string) => first.toUpperCase())),
      });
  }
  return program;
}

function nameOf(command: Command): string {
  return command.parent === null ? command.name() : `${nameOf(command.parent)} ${command.name()}`;
}

function ownVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as { version: string };
  return version;
}
