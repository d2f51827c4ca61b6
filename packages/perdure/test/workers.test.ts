import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { World } from "@perdure/world";
import { checkedWorld } from "@perdure/world/conformance";
import { createMemoryWorld } from "@perdure/world/memory";
import { createSqliteWorld } from "@perdure/world-sqlite";
import { describe, expect, onTestFinished, test } from "vitest";

import { resumeHook, start } from "../src/api/index.ts";
import { step } from "../src/internal.ts";
import { getStepMetadata } from "../src/index.ts";
import { setWorld } from "../src/runtime.ts";
import { createWorker, type CreateWorkerOptions, type RunningWorker } from "../src/worker/index.ts";
import { workflowOf } from "./support/bundle.ts";
import { until, useWorld } from "./support/lab.ts";

function sqliteWorld(): World {
  const folder = mkdtempSync(join(tmpdir(), "perdure-workers-"));
  const world = createSqliteWorld({ path: join(folder, "world.db") });
  onTestFinished(async () => {
    await world.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return world;
}

const worlds = { memory: createMemoryWorld, sqlite: sqliteWorld };

/** A worker that the test stops at the latest. */
async function workerOn(options: CreateWorkerOptions): Promise<RunningWorker> {
  const worker = await createWorker({ graceMs: 0, ...options });
  onTestFinished(() => worker.stop());
  return worker;
}

/** This process submits runs and executes none. */
async function onlySubmit(world: World): Promise<void> {
  const before = process.env.PERDURE_WORKER;
  process.env.PERDURE_WORKER = "off";
  onTestFinished(() => {
    if (before === undefined) delete process.env.PERDURE_WORKER;
    else process.env.PERDURE_WORKER = before;
  });
  await setWorld(world);
}

interface Gate {
  readonly opened: Promise<void>;
  open(): void;
}

function gate(): Gate {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}

describe.each(Object.entries(worlds))("on the %s World", (name, make) => {
  const world = (): World => checkedWorld(make());

  test("several workers of one process share a World, and one on another World leaves its runs alone", async () => {
    const [shared, other] = [world(), world()];
    await onlySubmit(shared);
    const owners = new Set<string>();
    const observers = [
      { observe: (event: { type: string; worker: string }) => void (event.type === "run_claimed" && owners.add(event.worker)) },
    ];
    const flow = workflowOf<[number], number>(`t#shared-${name}`, "async(n)=>{await sleep(1);return n}");
    const runs = await Promise.all(Array.from({ length: 20 }, (_, n) => start(flow, [n])));
    const elsewhere = await workerOn({ world: other, observers });
    const first = await workerOn({ world: shared, observers, maxResidentRuns: 1 });
    const second = await workerOn({ world: shared, observers, maxResidentRuns: 1 });
    expect(await Promise.all(runs.map((run) => run.returnValue))).toEqual(runs.map((_, n) => n));
    expect([...owners].sort()).toEqual([first.id, second.id].sort());
    expect(owners).not.toContain(elsewhere.id);
  });

  test("a worker that stops gives idle runs back at once, and those with an attempt as soon as that has settled", async () => {
    const shared = world();
    const attempt = gate();
    let begun = 0;
    step(`t#held-${name}`, async () => (begun++, await attempt.opened, "kept"), "held");
    const busyFlow = workflowOf(
      `t#busy-${name}`,
      `async()=>{const r=await callStep('t#held-${name}',[]);return [r,await callStep('t#after-${name}',[])]}`,
    );
    const idleFlow = workflowOf(`t#idle-${name}`, `async()=>await createHook({token:'idle-${name}'})`);
    step(`t#after-${name}`, async () => "after", "after");
    const { worker } = await useWorld({ leaseMs: 60_000, graceMs: 60_000 }, shared);
    const [busy, idle] = [await start(busyFlow, []), await start(idleFlow, [])];
    await until(async () => begun === 1 && (await idle.note) !== null, "both are under way");
    const stopping = worker.stop();
    const second = await workerOn({ world: shared, leaseMs: 60_000 });
    const ownerOf = async (id: string) => (await shared.query.run({ id }))?.owner;
    await resumeHook(`idle-${name}`, "sent");
    // The first worker's attempt is still under way: its run is its own, the other run is not.
    expect(await idle.returnValue).toBe("sent");
    expect(await ownerOf(busy.runId)).toBe(worker.id);
    attempt.open();
    await stopping;
    expect(await busy.returnValue).toEqual(["kept", "after"]);
    expect(begun).toBe(1);
    expect(second.id).not.toBe(worker.id);
  });

  test("an attempt that outlives the grace time is told by its signal, and another worker has the run at once", async () => {
    const shared = world();
    const never = gate();
    const aborted: unknown[] = [];
    let calls = 0;
    step(
      `t#endless-${name}`,
      async () => {
        if (++calls > 1) return "by the other";
        getStepMetadata().signal.addEventListener("abort", ({ target }) => void aborted.push((target as AbortSignal).reason));
        await never.opened;
        return "too late";
      },
      "endless",
    );
    const flow = workflowOf(`t#endlessFlow-${name}`, `async()=>callStep('t#endless-${name}',[])`);
    const { worker } = await useWorld({ leaseMs: 600_000, graceMs: 50 }, shared);
    const run = await start(flow, []);
    await until(() => calls === 1, "the attempt");
    const before = await shared.query.run({ id: run.runId });
    await worker.stop();
    expect(aborted).toMatchObject([{ code: "CANCELLED" }]);
    // The lease would last for ten minutes: it was given back.
    await workerOn({ world: shared, leaseMs: 600_000 });
    expect(await run.returnValue).toBe("by the other");
    expect((await shared.query.run({ id: run.runId }))?.fence).toBe((before?.fence ?? 0) + 1);
    never.open();
  });

  test("a worker keeps its lease while it waits for attempts, however short the lease is", async () => {
    const shared = world();
    const attempt = gate();
    let calls = 0;
    step(`t#long-${name}`, async () => (calls++, await attempt.opened), "long");
    const flow = workflowOf(`t#longFlow-${name}`, `async()=>{await callStep('t#long-${name}',[]);return 'once'}`);
    const { worker } = await useWorld({ leaseMs: 200, graceMs: 60_000 }, shared);
    const run = await start(flow, []);
    await until(() => calls === 1, "the attempt");
    const stopping = worker.stop();
    await workerOn({ world: shared, leaseMs: 60_000 });
    await new Promise((resolve) => setTimeout(resolve, 700));
    attempt.open();
    await stopping;
    expect(await run.returnValue).toBe("once");
    expect(calls).toBe(1);
  });

  test("a drain works until nothing is due, gives everything back and says what it did and when to come again", async () => {
    const shared = world();
    await onlySubmit(shared);
    step(`t#drained-${name}`, async (n: number) => n, "drained");
    const short = workflowOf<[number], unknown>(`t#drainShort-${name}`, `async(n)=>callStep('t#drained-${name}',[n])`);
    const long = workflowOf(`t#drainLong-${name}`, `async()=>{await callStep('t#drained-${name}',[1]);await sleep('1h');return 'slept'}`);
    const broken = workflowOf(`t#drainBroken-${name}`, "async()=>{throw new Error('no')}");
    const runs = await Promise.all(Array.from({ length: 5 }, (_, n) => start(short, [n])));
    const sleeper = await start(long, []);
    await start(broken, []);
    const before = Date.now();
    const worker = await workerOn({ world: shared });
    const summary = await worker.drain();
    expect(summary).toMatchObject({ reason: "idle", claimed: 7, ended: { completed: 5, failed: 1, cancelled: 0 }, attempts: 6 });
    expect(summary.nextDueAt?.getTime()).toBeGreaterThanOrEqual(before + 3_600_000);
    expect(summary.nextDueAt?.getTime()).toBeLessThanOrEqual(Date.now() + 3_600_000);
    expect((await shared.query.run({ id: sleeper.runId }))?.owner).toBe(null);
    expect(await Promise.all(runs.map((run) => run.status))).toEqual(runs.map(() => "completed"));
    await expect(worker.drain()).rejects.toMatchObject({ code: "WORKER_STOPPED" });
  });

  test("a drain with a time stops before it, and gives back what is not done", async () => {
    const shared = world();
    await onlySubmit(shared);
    step(`t#endlessly-${name}`, async (n: number) => n, "endlessly");
    const flow = workflowOf(`t#endlesslyFlow-${name}`, `async()=>{for(let i=0;;i++)await callStep('t#endlessly-${name}',[i])}`);
    const run = await start(flow, []);
    const worker = await workerOn({ world: shared, graceMs: 5000 });
    const summary = await worker.drain({ until: 400 });
    expect(summary.reason).toBe("time");
    expect(summary.attempts).toBeGreaterThan(0);
    const record = await shared.query.run({ id: run.runId });
    expect(record).toMatchObject({ status: "running", owner: null });
    expect(summary.nextDueAt).not.toBe(null);
    await expect(worker.drain({ until: new Date(Number.NaN) })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});

test("a message that nobody can take does not keep a drain from its end", async () => {
  const shared = checkedWorld(createMemoryWorld());
  await onlySubmit(shared);
  const run = await start(workflowOf("t#strangeMail", "async()=>await createHook({token:'strange'})"), []);
  const worker = await workerOn({ world: shared });
  await until(async () => (await run.note) !== null, "the hook");
  await shared.deliver([{ id: "m", to: { runId: run.runId }, kind: "from the future", payload: new Uint8Array() }]);
  expect(await worker.drain({ until: "1 minute" })).toMatchObject({ reason: "idle" });
});

test("createWorker refuses what is no World", async () => {
  await expect(createWorker({} as CreateWorkerOptions)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
});
