import { setTimeout as pause } from "node:timers/promises";
import type { World } from "@perdure/world";
import { start } from "perdure/api";
import { setWorld } from "perdure/runtime";
import { startWorker } from "perdure/worker";

import { openLedger } from "./ledger.ts";
import type { PlannedRun } from "./load.ts";
import type { FromWorker, ToWorker, WorkerSettings } from "./messages.ts";
import { createResumer } from "./resumer.ts";
import { untilAvailable } from "./unavailable.ts";
import { useLedger } from "./workflows.ts";

type AnyWorkflow = (...args: unknown[]) => Promise<unknown>;

/** What a worker's process has. */
export interface Equipment {
  openWorld(settings: WorkerSettings): World;
  /** By the names of the load. */
  readonly workflows: object;
}

/** Makes this process a worker, and an application that starts runs, until it is told to stop or is killed. */
export function serve({ openWorld, workflows }: Equipment): void {
  const settings = JSON.parse(process.argv[2] ?? "{}") as WorkerSettings;
  const resumer = createResumer();
  let stopping = false;

  async function open(): Promise<void> {
    useLedger(openLedger(settings.ledger));
    const world = openWorld(settings);
    await setWorld(world);
    const worker = await startWorker({ leaseMs: settings.leaseMs });
    tell({ kind: "ready", workerId: worker.id });
    while (!stopping) {
      await pause(settings.resumeEveryMs);
      await resumer.tryAll();
    }
    await worker.stop();
    await world.close();
    process.disconnect();
  }

  async function startOne(run: PlannedRun): Promise<void> {
    const workflow = (workflows as Readonly<Record<string, AnyWorkflow>>)[run.workflow];
    if (!workflow) throw new TypeError(`There is no workflow "${run.workflow}".`);
    await untilAvailable(() => start(workflow, [run.n, run.key], { id: run.key }));
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
  // Its parent has gone: nobody is left to end it. In good order it is here too, when nothing is left to do.
  process.once("disconnect", () => process.exit(0));
  tell({ kind: "loaded" });
}

function tell(message: FromWorker): void {
  process.send?.(message);
}
