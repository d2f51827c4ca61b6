import type { CommitResult, World } from "@perdure/world";
import { checkedWorld } from "@perdure/world/conformance";
import { createMemoryWorld } from "@perdure/world/memory";
import { expect, test } from "vitest";

import { resumeHook, start } from "../src/api/index.ts";
import { step } from "../src/internal.ts";
import type { RunRecord } from "@perdure/world";
import { createResident, type Resident } from "../src/worker/resident.ts";
import { createResidents } from "../src/worker/residents.ts";
import { createWorker, type WorkerEvent } from "../src/worker/index.ts";
import { workflowOf } from "./support/bundle.ts";
import { until, useWorld } from "./support/lab.ts";

const heldLease = { lapses: 0, lapsedAt: 0, hasLapsed: () => false };

function residentOf(id: string, inputBytes: number): Resident {
  const run = { id, key: null, input: new Uint8Array(inputBytes), dueAt: null, note: null, fence: 1 } as unknown as RunRecord;
  const resident = createResident(run, { seed: "", deadlineAt: null } as Parameters<typeof createResident>[1], heldLease);
  resident.mode = "idle";
  return resident;
}

test("residents count what went into them, and give up the one that was active longest ago first", () => {
  const residents = createResidents();
  const [a, b, c] = ["a", "b", "c"].map((id) => residentOf(id, 10_000)) as [Resident, Resident, Resident];
  for (const one of [a, b, c]) residents.add(one);
  const three = residents.bytes;
  expect(three).toBeGreaterThanOrEqual(30_000);
  expect(three).toBeLessThan(40_000);
  residents.touch(a);
  const ids = (bytes: number): string[] => residents.evictable(0, { runs: 100, bytes }).map(({ run }) => run.id);
  expect(ids(three)).toEqual([]);
  expect(ids(three - 1)).toEqual(["b"]);
  expect(ids(1)).toEqual(["b", "c", "a"]);
  residents.expect(b, "x".repeat(5000));
  expect(residents.readyLength).toBeGreaterThanOrEqual(5000);
  expect(residents.bytes).toBe(three + residents.readyLength);
  residents.weigh(b); // its turn was committed
  expect([residents.readyLength, residents.bytes]).toEqual([0, three]);
  b.seenBytes += 7000;
  residents.weigh(b);
  expect(residents.bytes).toBe(three + 7000);
  for (const one of [a, b, c]) residents.remove(one);
  residents.weigh(b);
  expect([residents.size, residents.bytes, residents.readyLength]).toEqual([0, 0, 0]);
});

test("runs beyond maxResidentBytes are given back, and come again when a message arrives", async () => {
  const flow = workflowOf<[number, string], unknown>("t#heavy", "async(n,data)=>[data.length,await createHook({token:'heavy-'+n})]");
  const released = new Set<string>();
  const observe = (event: WorkerEvent): void =>
    void (event.type === "run_released" && event.reason === "idle" && released.add(event.runId));
  const { world } = await useWorld({ maxResidentBytes: 500_000, leaseMs: 400, observers: [{ observe }] });
  const data = "x".repeat(100_000);
  const runs = await Promise.all(Array.from({ length: 20 }, (_, n) => start(flow, [n, data])));
  const owned = async (): Promise<number> =>
    (await world.query.runsById(runs.map(({ runId }) => runId))).filter(({ owner }) => owner !== null).length;
  await until(async () => (await Promise.all(runs.map((run) => run.note))).every((note) => note !== null), "all wait");
  // Four of about 100 kB are below seven eighths of the limit.
  await until(async () => (await owned()) <= 4, "the eviction");
  expect(released.size).toBeGreaterThanOrEqual(16);
  await Promise.all(runs.map((_, n) => resumeHook(`heavy-${n}`, n)));
  expect(await Promise.all(runs.map((run) => run.returnValue))).toEqual(runs.map((_, n) => [100_000, n]));
});

test("one run may be larger than all of maxResidentBytes", async () => {
  step("t#large", async () => "y".repeat(50_000), "large");
  const flow = workflowOf("t#largeFlow", "async()=>{let n=0;for(let i=0;i<5;i++)n+=(await callStep('t#large',[])).length;return n}");
  await useWorld({ maxResidentBytes: 10_000 });
  expect(await (await start(flow, [])).returnValue).toBe(250_000);
});

/** A World whose commits wait at a gate. */
function gated(shared: World): { world: World; open: () => void; close: () => void } {
  let gate: Promise<void> | null = null;
  let release = (): void => undefined;
  return {
    close: () => void (gate = new Promise((resolve) => (release = resolve))),
    open: () => ((gate = null), release()),
    world: {
      ...shared,
      async commit(commits): Promise<CommitResult[]> {
        await gate;
        return shared.commit(commits);
      },
    },
  };
}

test("while the World commits nothing, results do not pile up: attempts begin again when there is room", async () => {
  let calls = 0;
  let closed = (): void => undefined;
  step(
    "t#fan",
    async () => {
      if (++calls === 1) closed();
      return "z".repeat(10_000);
    },
    "fan",
  );
  const flow = workflowOf("t#fanFlow", "async()=>(await Promise.all(Array.from({length:500},()=>callStep('t#fan',[])))).length");
  const slow = gated(checkedWorld(createMemoryWorld()));
  closed = slow.close;
  // An eighth of the limit is 100,000 characters: ten results, and those of the four attempts under way.
  await useWorld({ maxResidentBytes: 800_000, concurrency: 4 }, slow.world);
  const run = await start(flow, []);
  await until(() => calls >= 10, "the first attempts");
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(calls).toBeLessThanOrEqual(20);
  slow.open();
  expect(await run.returnValue).toBe(500);
  expect(calls).toBe(500);
});

test("while the World commits nothing, messages stay there, and arrive in order afterwards", async () => {
  const flow = workflowOf(
    "t#backlog",
    "async()=>{const hook=createHook({token:'backlog'});const got=[];for await(const m of hook){got.push(m.n);if(m.n===99)return got}}",
  );
  const slow = gated(checkedWorld(createMemoryWorld()));
  const claims: number[] = [];
  const observe = (event: WorkerEvent): void => void (event.type === "commit" && claims.push(event.rows));
  await useWorld({ maxResidentBytes: 400_000, observers: [{ observe }] }, slow.world);
  const run = await start(flow, []);
  await until(async () => (await run.note) !== null, "the hook");
  const text = "m".repeat(10_000);
  slow.close();
  for (let n = 0; n < 100; n++) await resumeHook("backlog", { n, text });
  await new Promise((resolve) => setTimeout(resolve, 100));
  slow.open();
  expect(await run.returnValue).toEqual(Array.from({ length: 100 }, (_, n) => n));
  // Each commit held what may wait at most: an eighth of 400,000 characters are five messages, and the one that goes beyond.
  expect(Math.max(...claims)).toBeLessThanOrEqual(6);
});

test("maxResidentBytes is a whole number", async () => {
  const world = createMemoryWorld();
  await expect(createWorker({ world, maxResidentBytes: 0.5 })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
});
