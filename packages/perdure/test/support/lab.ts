/** A process in a test: one World, one worker, and what the public API does with them. */
import type { World } from "@perdure/world";
import { checkedWorld } from "@perdure/world/conformance";
import { createMemoryWorld } from "@perdure/world/memory";
import { afterEach } from "vitest";

import { setWorld } from "../../src/runtime.ts";
import { startWorker, type RunningWorker, type WorkerOptions } from "../../src/worker/index.ts";
import { createSharedObservers } from "../../src/worker/observe/observation.ts";
import { createWorker, type Worker } from "../../src/worker/worker.ts";

const open: { stop(): Promise<void> }[] = [];

afterEach(async () => {
  for (const worker of open.splice(0)) await worker.stop();
});

/** Workflow code of tests is short; what takes it a second is a busy machine. */
const patient: WorkerOptions = { graceMs: 0, watchdogMs: 20_000 };

/** Makes this process use a fresh World (in memory, every call checked) and starts its worker. */
export async function useWorld(
  options: WorkerOptions = {},
  world: World = checkedWorld(createMemoryWorld()),
): Promise<{ world: World; worker: RunningWorker }> {
  await setWorld(world);
  const worker = await startWorker({ ...patient, ...options });
  open.push(worker);
  return { world, worker };
}

/** A second worker on a World, as another process would have. */
export async function anotherWorker(world: World, options: WorkerOptions = {}): Promise<Worker> {
  const worker = await createWorker(world, { ...patient, ...options }, { onEnded: () => undefined, observers: createSharedObservers() });
  open.push(worker);
  return worker;
}

/** Waits until a condition holds; fails after half a minute. */
export async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const end = Date.now() + 30_000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`Waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A World like another, with some of its functions replaced. */
export const wrap = (world: World, changes: Partial<World>): World => ({ ...world, ...changes });

/** A promise, and what resolves it. */
export function gate(): { readonly opened: Promise<void>; open(): void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}

/** A thing as it is without one of its members. */
export function without<T extends object, K extends keyof T>(thing: T, key: K): Omit<T, K> {
  const { [key]: removed, ...rest } = thing;
  void removed;
  return rest;
}
