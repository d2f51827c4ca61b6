// A process that works until it is killed: a worker, and an application that starts runs. Started by `fleet.ts`.
import { setTimeout as pause } from "node:timers/promises";
import { createSqliteWorld } from "@perdure/world-sqlite";
import { start } from "perdure/api";
import { setWorld } from "perdure/runtime";
import { startWorker } from "perdure/worker";

import { openLedger } from "./ledger.ts";
import type { PlannedRun } from "./load.ts";
import type { FromWorker, ToWorker, WorkerSettings } from "./messages.ts";
import { createResumer } from "./resumer.ts";
import { approval, branches, chain, fanOut, naps, nested, race, retries, useLedger } from "./workflows.ts";

type AnyWorkflow = (...args: unknown[]) => Promise<unknown>;

const workflows = { approval, branches, chain, fanOut, naps, nested, race, retries } as unknown as Readonly<Record<string, AnyWorkflow>>;
const settings = JSON.parse(process.argv[2] ?? "{}") as WorkerSettings;
const resumer = createResumer();
let stopping = false;

function tell(message: FromWorker): void {
  process.send?.(message);
}

async function open(): Promise<void> {
  useLedger(openLedger(settings.ledger));
  const world = createSqliteWorld({ path: settings.world });
  await setWorld(world);
  const worker = await startWorker({ leaseMs: settings.leaseMs });
  tell({ kind: "ready" });
  while (!stopping) {
    await pause(10);
    await resumer.tryAll();
  }
  await worker.stop();
  await world.close();
  process.disconnect();
}

async function startOne(run: PlannedRun): Promise<void> {
  const workflow = workflows[run.workflow];
  if (!workflow) throw new TypeError(`There is no workflow "${run.workflow}".`);
  await start(workflow, [run.n, run.key], { id: run.key });
  tell({ kind: "started", key: run.key });
  if (run.sender === "worker") resumer.add(run);
}

async function startAll(runs: readonly PlannedRun[]): Promise<void> {
  for (let index = 0; index < runs.length; index += 4) {
    await Promise.all(runs.slice(index, index + 4).map(startOne));
    await pause(15);
  }
}

process.on("message", (message: ToWorker) => {
  if (message.kind === "open") void open();
  else if (message.kind === "start") void startAll(message.runs);
  else stopping = true;
});
tell({ kind: "loaded" });
