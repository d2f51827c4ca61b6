// Leases that run out: nothing begins that may be another worker's by now, and what was not lost goes on.
import { WorldError, type Claimed, type Commit, type CommitResult, type NewRun, type World } from "@perdure/world";
import { checkedWorld } from "@perdure/world/conformance";
import { createMemoryWorld } from "@perdure/world/memory";
import { v7 as uuid } from "uuid";
import { expect, test } from "vitest";

import { getRun, resumeHook, start, startMany } from "../src/api/index.ts";
import { monotonicNow } from "../src/host-timers.ts";
import { step } from "../src/internal.ts";
import { encodeRunInput } from "../src/run-input.ts";
import { setWorld } from "../src/runtime.ts";
import { createLeases } from "../src/worker/leases.ts";
import { bundleOf, workflowOf } from "./support/bundle.ts";
import { anotherWorker, gate, until, useWorld, wrap } from "./support/lab.ts";
import { twoServers } from "./support/two-servers.ts";

/** The answer to commits for which a part of the World is away. */
const refused = (commits: readonly Commit[]): CommitResult[] =>
  commits.map(() => ({ status: "failed", error: new WorldError("WORLD_UNAVAILABLE", "A server does not answer.", { hint: "Wait." }) }));

/** Blocks the event loop. */
function standStill(ms: number): void {
  const end = Date.now() + ms;
  while (Date.now() < end);
}

test("a lease that had lapsed when it was renewed counts, also when it was the renewal that took so long", async () => {
  const leases = createLeases(createMemoryWorld(), 900_000);
  const now = monotonicNow();
  const lease = leases.of("run");
  expect(lease.hasLapsed()).toBe(true);
  expect(leases.renewed(now - 700_000, undefined)).toBe(true);
  expect([lease.lapses, lease.hasLapsed()]).toEqual([1, true]);
  expect(leases.renewed(now - 100_000, undefined)).toBe(true); // began before the lapse was noticed, for all we know
  expect([lease.lapses, lease.hasLapsed()]).toEqual([2, false]);
  expect(leases.renewed(now - 200_000, undefined)).toBe(false); // an earlier call, answered later
  expect([lease.lapses, lease.hasLapsed()]).toEqual([2, false]);
  expect(leases.of("another").hasLapsed()).toBe(false);
});

test("each lane has a lease of its own, which is renewed when its part of the World has answered", async () => {
  const leases = createLeases(wrap(createMemoryWorld(), { laneOf: (runId) => runId.charAt(0) }), 900_000);
  const now = monotonicNow();
  const [a, b] = [leases.of("a1"), leases.of("b1")];
  leases.renewed(now, {});
  expect([a, b].map((lease) => [lease.lapses, lease.hasLapsed()])).toEqual([
    [1, false],
    [1, false],
  ]);
  leases.renewed(now - 700_000, { renewed: new Set(["a"]) });
  expect(leases.of("a2")).toBe(a);
  // Of a lane that did not answer nothing is known.
  expect(leases.of("c1").hasLapsed()).toBe(true);
});

test("on a server whose lease was lost no attempt begins, however well the others answer", async () => {
  const begun: string[] = [];
  const [slow, last] = [gate(), gate()];
  step("lp#slow", async () => slow.opened, "slow");
  step("lp#effect", async () => void begun.push("effect"), "effect");
  step("lp#last", async () => last.opened, "last");
  const slowly = workflowOf<[], string>("lp#slowly", "async()=>{await callStep('lp#slow',[]);return 'slow'}");
  const effect = workflowOf<[], string>(
    "lp#effectFlow",
    "async()=>{await callStep('lp#effect',[]);await callStep('lp#last',[]);return 'done'}",
  );
  const connect = twoServers();
  const first = connect();
  await useWorld({ leaseMs: 300, concurrency: 1 }, first.world);
  const onA = await start(slowly, []);
  await until(async () => (await first.world.load(onA.runId)).rows.length === 1, "the step on a");
  first.place = "b";
  const onB = await start(effect, []);
  await until(async () => (await first.world.load(onB.runId)).rows.length === 1, "the step on b, which waits for a place");
  first.away.add("b");
  await anotherWorker(connect().world, { leaseMs: 5000 });
  await until(async () => (await first.world.load(onB.runId)).rows.length === 2, "the step's result, by the other worker");
  slow.open();
  expect(await onA.returnValue).toBe("slow");
  expect(begun).toEqual(["effect"]);
  first.away.delete("b");
  last.open();
  expect(await onB.returnValue).toBe("done");
  expect(begun).toEqual(["effect"]);
  expect(first.mixed).toEqual([]);
});

test("what waits for the lease of a server goes on when that answers again and nothing was lost", async () => {
  let begun = 0;
  step("lp#afterwards", async () => ++begun, "afterwards");
  const flow = workflowOf<[], number>("lp#afterwardsFlow", "async()=>{await sleep(3000);return callStep('lp#afterwards',[])}");
  const first = twoServers()();
  await useWorld({ leaseMs: 300 }, first.world);
  first.place = "b";
  const run = await start(flow, []);
  await until(async () => (await first.world.load(run.runId)).rows.length === 1, "the sleep");
  first.away.add("b");
  await until(async () => (await first.world.load(run.runId)).rows.length === 2, "the step's call");
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(begun).toBe(0);
  first.away.delete("b");
  expect(await run.returnValue).toBe(1);
  expect((await first.world.query.run({ id: run.runId }))?.fence).toBe(1);
  expect(first.mixed).toEqual([]);
});

test("a commit that was acknowledged before the renewal behind a lapse proves nothing", async () => {
  const begun: string[] = [];
  const [former, last, renewal, answer] = [gate(), gate(), gate(), gate()];
  step("lp#former", async () => former.opened, "former");
  step("lp#latter", async () => void begun.push("latter"), "latter");
  step("lp#end", async () => last.opened, "end");
  const flow = workflowOf<[], string>(
    "lp#provesNothing",
    "async()=>{await callStep('lp#former',[]);await callStep('lp#latter',[]);await callStep('lp#end',[]);return 'done'}",
  );
  const shared = checkedWorld(createMemoryWorld());
  let state: "open" | "cut" | "slow" = "open";
  let pending = 0;
  let renewals = 0;
  let commits = 0;
  const late = async <T>(call: () => Promise<T>): Promise<T> => {
    if (state === "cut") throw new Error("there is no connection");
    if (state === "slow") {
      pending++;
      await renewal.opened;
    }
    const result = await call();
    if (state === "slow") renewals++;
    return result;
  };
  await useWorld(
    { leaseMs: 300 },
    wrap(shared, {
      watch: (listener) => shared.watch((hint) => (state === "open" ? listener(hint) : undefined)),
      claim: (request) => late(() => shared.claim(request)),
      heartbeat: (worker, leaseMs) => late(() => shared.heartbeat(worker, leaseMs)),
      async commit(batch) {
        const results = await shared.commit(batch);
        if (state !== "slow" || batch[0]!.rows.length === 0) return results;
        commits++;
        await answer.opened;
        return results;
      },
    }),
  );
  const run = await start(flow, []);
  await until(async () => (await shared.load(run.runId)).rows.length === 1, "the first step");
  state = "cut";
  await new Promise((resolve) => setTimeout(resolve, 600)); // the lease is over
  state = "slow";
  await until(() => pending > 0, "the renewal, which is slow");
  former.open();
  await until(() => commits === 1, "the commit that asks for the second step");
  await anotherWorker(shared, { leaseMs: 5000 });
  await until(async () => (await shared.load(run.runId)).rows.length === 3, "the second step's result, by the other worker");
  renewal.open();
  await until(() => renewals > 1, "the renewed lease");
  answer.open();
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(begun).toEqual(["latter"]);
  last.open();
  expect(await run.returnValue).toBe("done");
  expect(begun).toEqual(["latter"]);
});

test("a proof for which a part of the World is away is asked for again", async () => {
  let calls = 0;
  let failures = 0;
  step(
    "lp#blocking",
    async () => {
      if (++calls === 1) standStill(600);
    },
    "blocking",
  );
  const flow = workflowOf<[], string>(
    "lp#blockingFlow",
    "async()=>{await Promise.all([1,2].map(()=>callStep('lp#blocking',[])));return 'done'}",
  );
  const shared = checkedWorld(createMemoryWorld());
  await useWorld(
    { leaseMs: 300, concurrency: 1 },
    wrap(shared, {
      async commit(commits) {
        if (commits.some(({ rows }) => rows.length > 0) || failures > 2) return shared.commit(commits);
        failures++;
        return refused(commits);
      },
    }),
  );
  const run = await start(flow, []);
  expect(await run.returnValue).toBe("done");
  expect([calls, (await shared.query.run({ id: run.runId }))?.fence]).toEqual([2, 1]);
});

test("turns that wait for a part of the World together are warned of once", async () => {
  let isAway = true;
  const failed = new Set<string>();
  const warnings: string[] = [];
  const flow = workflowOf<[], string>("lp#warned", "async()=>'done'");
  const shared = checkedWorld(createMemoryWorld());
  const commit = async (commits: readonly Commit[]): Promise<CommitResult[]> => {
    if (!isAway) return shared.commit(commits);
    for (const { runId } of commits) failed.add(runId);
    return refused(commits);
  };
  await useWorld(
    { observers: [{ observe: (event) => void (event.type === "warning" && warnings.push(event.message)) }] },
    wrap(shared, { commit }),
  );
  const runs = await startMany(Array.from({ length: 20 }, () => [flow, []] as const));
  await until(() => failed.size === 20, "the commits that fail");
  isAway = false;
  for (const run of runs) expect(await run.returnValue).toBe("done");
  expect(warnings).toEqual([expect.stringMatching(/^A commit of run .* waits for a part of the World: A server does not answer/)]);
});

test("what a step has brought is kept while a part of the World that its turn needs is away", async () => {
  let calls = 0;
  let failures = 0;
  step("lp#paid", async () => ++calls, "paid");
  const flow = workflowOf<[], number>("lp#paidFlow", "async()=>callStep('lp#paid',[])");
  const shared = checkedWorld(createMemoryWorld());
  const released: string[] = [];
  await useWorld(
    {},
    wrap(shared, {
      async release(worker, leases) {
        released.push(...leases.map(({ runId }) => runId));
        await shared.release(worker, leases);
      },
      async commit(commits) {
        if (calls === 0 || failures > 2) return shared.commit(commits);
        failures++;
        return refused(commits);
      },
    }),
  );
  const run = await start(flow, []);
  expect(await run.returnValue).toBe(1);
  expect([calls, failures, released]).toEqual([1, 3, []]);
});

test("a worker that stops while a part of the World is away gives the run back", async () => {
  let calls = 0;
  let failures = 0;
  step("lp#given", async () => ++calls, "given");
  const flow = workflowOf<[], number>("lp#givenFlow", "async()=>callStep('lp#given',[])");
  const shared = checkedWorld(createMemoryWorld());
  const { worker } = await useWorld(
    {},
    wrap(shared, {
      async commit(commits) {
        if (calls === 0) return shared.commit(commits);
        failures++;
        return refused(commits);
      },
    }),
  );
  const run = await start(flow, []);
  await until(() => failures > 0, "the commit that fails");
  await worker.stop();
  await anotherWorker(shared);
  expect(await run.returnValue).toBe(2);
});

test("a lapse while a worker stops: what is on record as begun begins once the run is known to be its own", async () => {
  const slow = gate();
  let calls = 0;
  step("lp#holds", async () => slow.opened, "holds");
  step(
    "lp#once",
    Object.assign(async () => ++calls, { options: { atMostOnce: true } }),
    "once",
  );
  const holds = workflowOf<[], string>("lp#holdsFlow", "async()=>{await callStep('lp#holds',[]);return 'held'}");
  const once = workflowOf<[], number>("lp#onceFlow", "async()=>callStep('lp#once',[])");
  const shared = checkedWorld(createMemoryWorld());
  let isCut = false;
  const { worker } = await useWorld(
    { leaseMs: 300, concurrency: 1, graceMs: 600_000 },
    wrap(shared, {
      claim: async (request) => (isCut ? Promise.reject(new Error("there is no connection")) : shared.claim(request)),
      heartbeat: async (id, leaseMs) => (isCut ? Promise.reject(new Error("there is no connection")) : shared.heartbeat(id, leaseMs)),
    }),
  );
  const holding = await start(holds, []);
  await until(async () => (await shared.load(holding.runId)).rows.length === 1, "the attempt that has the only place");
  const run = await start(once, []);
  await until(async () => (await shared.load(run.runId)).rows.length === 2, "the attempt that is on record");
  isCut = true;
  const stopped = worker.stop();
  await new Promise((resolve) => setTimeout(resolve, 400));
  slow.open();
  await until(async () => (await shared.query.run({ id: holding.runId }))?.status === "completed", "the place that is free");
  expect(calls).toBe(0);
  isCut = false;
  await stopped;
  expect(calls).toBe(1);
  expect(await run.returnValue).toBe(1);
});

test("a claim that is partial is followed by one that says what the worker holds", async () => {
  const flow = workflowOf("lp#partialFlow", "async()=>{await sleep(60000)}");
  const shared = checkedWorld(createMemoryWorld());
  let partial = 0;
  const told: (readonly string[] | undefined)[] = [];
  await useWorld(
    {},
    wrap(shared, {
      async claim(request): Promise<Claimed> {
        if (partial > 0) told.push(request.holding);
        const claimed = await shared.claim(request);
        if (partial !== 1) return claimed;
        partial++;
        return { ...claimed, isPartial: true };
      },
    }),
  );
  const run = await start(flow, []);
  await until(async () => (await run.note) !== null, "the run, which sleeps");
  partial = 1;
  await until(() => told.length > 2, "claims");
  expect(told.slice(0, 3)).toEqual([undefined, [run.runId], undefined]);
  await run.cancel();
});

test("the copy of an earlier claim whose replay fails does not take the later one with it", async () => {
  const shared = checkedWorld(createMemoryWorld());
  const first = gate();
  let loads = 0;
  const { worker } = await useWorld(
    {},
    wrap(shared, {
      async load(runId, options) {
        if (++loads > 1) return shared.load(runId, options);
        await first.opened;
        throw new Error("the connection died");
      },
    }),
  );
  const run = await freeRun(shared, "async()=>await createHook({token:'copies'})");
  await shared.createRuns([run]);
  await until(() => loads === 1, "the first claim");
  await shared.release(worker.id, [{ runId: run.id, fence: 1 }]);
  await until(async () => (await shared.query.hook("copies")) !== null, "the hook, by the copy of the second claim");
  first.open();
  await new Promise((resolve) => setTimeout(resolve, 50));
  await resumeHook("copies", "heard");
  expect(await getRun(run.id).returnValue).toBe("heard");
  expect((await shared.query.run({ id: run.id }))?.fence).toBe(2);
});

test("a copy that was dropped while its code was loaded stays dropped", async () => {
  const shared = checkedWorld(createMemoryWorld());
  const code = gate();
  let gets = 0;
  const begun: string[] = [];
  await setWorld(shared);
  const get = async (hash: string): Promise<Uint8Array | null> => {
    gets++;
    await code.opened;
    return shared.code.get(hash);
  };
  const worker = await anotherWorker(wrap(shared, { code: { ...shared.code, get } }), {
    observers: [{ observe: (event) => void (event.type === "run_started" && begun.push(event.runId)) }],
  });
  const run = await freeRun(shared, "async()=>await createHook({token:'loaded'})");
  const [created] = await shared.createRuns([run], { owner: worker.id });
  worker.admit(created!.run, performance.now());
  await until(() => gets === 1, "the first copy's code");
  await shared.release(worker.id, [{ runId: run.id, fence: 1 }]);
  await until(async () => (await shared.query.run({ id: run.id }))?.fence === 2, "the second copy's claim");
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(begun).toEqual([]);
  // Both copies wait for it.
  code.open();
  await until(async () => (await shared.query.hook("loaded")) !== null, "the hook");
  expect(begun).toEqual([run.id]);
  expect(gets).toBe(1);
});

/** A run whose code only the World has. */
async function freeRun(world: World, body: string): Promise<NewRun> {
  const { code, version, map } = bundleOf(body);
  await world.code.put(version, Buffer.from(JSON.stringify({ code, map })));
  const input = encodeRunInput({ seed: "0".repeat(32), args: "j[]", deadlineAt: null, address: null });
  return { id: uuid(), key: null, workflowId: "lp#free", version, input, dueAt: null };
}
