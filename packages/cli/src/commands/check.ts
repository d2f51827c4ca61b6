import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { Command, InvalidArgumentError, Option } from "commander";
import type { CheckMessage, CheckOrder } from "../check/check-message.ts";
import { problemsOf, writeReport } from "../check/report.ts";
import { exitStatus, Failure, failureOf } from "../failure.ts";
import type { Terminal } from "../terminal.ts";
import { findEntry, nodeOptionsFor } from "../worker/find-entry.ts";
import { type WorldOptions, withWorldOptions } from "../world-options.ts";

interface CheckOptions extends WorldOptions {
  readonly entry: string;
  readonly sample?: number;
  readonly failOn: "broken" | "different";
  readonly json?: boolean;
}

/** `perdure check --entry <file>`: what open runs would do with a new build. */
export function checkCommand(terminal: Terminal): Command {
  return withWorldOptions(new Command("check"))
    .description(
      "Replay open runs on a new build before it is deployed: which would go on with its code, which keep their own and why, and which steps they need that it does not have. Changes no run.",
    )
    .argument("[workflow]", "the id of a workflow; default: all")
    .requiredOption("--entry <file>", "the module of the new build that imports your workflows and steps")
    .option("--sample <number>", "replay so many runs of each version at most", parseNumber)
    .addOption(
      new Option(
        "--fail-on <what>",
        'exit with 1 for runs that could not go on ("broken"), or also for runs that would not go on with the new code ("different")',
      )
        .choices(["broken", "different"])
        .default("broken"),
    )
    .option("--json", "print the report as JSON")
    .action(async (workflowId: string | undefined, options: CheckOptions) => {
      const entry = findEntry(options.entry);
      const { world, schema, sample } = options;
      const order: CheckOrder = {
        entry: entry.file,
        world,
        ...(schema !== undefined && { schema }),
        ...(workflowId !== undefined && { workflowId }),
        ...(sample !== undefined && { sample }),
      };
      const message = await checkInProcess(order, nodeOptionsFor(entry), terminal);
      if (message.type === "entry-failed") throw failureOf("ENTRY_FAILED", exitStatus.usage, `${entry.name} could not be imported.`);
      if (message.type === "failed") throw new Failure(exitStatus.usage, message.message);
      const { report, isPart } = message;
      const { registered } = report;
      if (registered.workflows + registered.steps === 0)
        throw failureOf("ENTRY_EMPTY", exitStatus.usage, `${entry.name} has registered no workflow and no step.`);
      if (isPart)
        terminal.err(
          `perdure: ${entry.name} was imported up to where it starts to work (WORK_REFUSED); what it would have imported behind that is not seen.\n`,
        );
      if (options.json) terminal.out(`${JSON.stringify(report, null, 2)}\n`);
      else writeReport(report, terminal);
      const { broken, different } = problemsOf(report);
      const found = options.failOn === "broken" ? broken : [...broken, ...different];
      if (found.length > 0) throw new Failure(exitStatus.mistakes, `perdure: ${found.join("; ")}.`);
    });
}

const program = fileURLToPath(new URL(`../check/check-process.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`, import.meta.url));

/** The code is loaded by a process of its own, which ends with all that it has begun. What it prints is passed on. */
async function checkInProcess(order: CheckOrder, execArgv: readonly string[], terminal: Terminal): Promise<CheckMessage> {
  const child = fork(program, [], { execArgv: [...execArgv], stdio: ["ignore", "pipe", "pipe", "ipc"] });
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding("utf8").on("data", (text: string) => terminal.err(text));
  child.send(order);
  let told: CheckMessage | null = null;
  child.on("message", (message: CheckMessage) => (told = message));
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (...end) => resolve(end));
  });
  return told ?? { type: "failed", message: `perdure: The process that loaded the entry ended with ${signal ?? `exit code ${code}`}.` };
}

function parseNumber(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError("It must be a whole number from 1 on.");
  return Number(text);
}
