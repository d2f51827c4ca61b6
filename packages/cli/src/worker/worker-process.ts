// The program of each process of `perdure worker`: imports the entry, and sees to it that there is a worker.
import { pathToFileURL } from "node:url";
import { inspect } from "node:util";
import { ofEntry } from "./of-entry.ts";
import type { ProcessMessage } from "./process-message.ts";

const [entry = "", graceMs = ""] = process.argv.slice(2);

function tell(message: ProcessMessage): Promise<void> {
  return new Promise((resolve) => (process.connected ? process.send?.(message, () => resolve()) : resolve()));
}

/** A process whose parent is gone ends as by SIGTERM; nobody reads what it prints then. */
function endWithParent(): void {
  process.once("disconnect", () => {
    for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);
    process.kill(process.pid, "SIGTERM");
  });
  process.channel?.unref();
}

async function importEntry(): Promise<void> {
  try {
    await import(pathToFileURL(entry).href);
  } catch (error) {
    process.stderr.write(`${inspect(error)}\n`);
    await tell("entry-failed");
    process.exit(1);
  }
  await tell("loaded");
}

async function startWorkerIfNone(): Promise<void> {
  const { hasExplicitWorker } = await ofEntry(entry, "perdure/runtime", () => import("perdure/runtime"));
  if (hasExplicitWorker()) return;
  const { startWorker } = await ofEntry(entry, "perdure/worker", () => import("perdure/worker"));
  await startWorker({ graceMs: Number(graceMs) });
}

endWithParent();
await importEntry();
await startWorkerIfNone();
await tell("ready");
