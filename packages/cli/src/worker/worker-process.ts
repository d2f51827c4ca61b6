// The program of each process of `perdure worker`: imports the entry, and sees to it that there is a worker.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { inspect } from "node:util";
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

/** A module of `perdure` as the entry sees it: its own copy, or ours where it has none because it is one file with all that it needs. */
async function ofEntry<T>(name: string, ours: () => Promise<T>): Promise<T> {
  let path: string;
  try {
    path = createRequire(pathToFileURL(entry)).resolve(name);
  } catch {
    return ours();
  }
  return (await import(pathToFileURL(path).href)) as T;
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
  const { hasExplicitWorker } = await ofEntry("perdure/runtime", () => import("perdure/runtime"));
  if (hasExplicitWorker()) return;
  const { startWorker } = await ofEntry("perdure/worker", () => import("perdure/worker"));
  await startWorker({ graceMs: Number(graceMs) });
}

endWithParent();
await importEntry();
await startWorkerIfNone();
await tell("ready");
