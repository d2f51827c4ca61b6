import type { CommitResult, World } from "@perdure/world";
import { checkedWorld } from "@perdure/world/conformance";
import { createMemoryWorld } from "@perdure/world/memory";
import { expect, test } from "vitest";

import { getRun, resumeHook, start } from "../src/api/index.ts";
import { step } from "../src/internal.ts";
import { encodeRunInput } from "../src/run-input.ts";
import { bundleOf, workflowOf } from "./support/bundle.ts";
import { anotherWorker, until, useWorld, wrap } from "./support/lab.ts";

test("a run of a worker that went silent is taken over, and its late result is fenced", async () => {
  const calls: string[] = [];
  let releaseFirst = (): void => undefined;
  const first = new Promise<void>((resolve) => (releaseFirst = resolve));
  step(
    "t#effect",
    async () => {
      calls.push("call");
      if (calls.length === 1) await first;
      return calls.length;
    },
    "effect",
  );
  const flow = workflowOf<[], unknown>(
    "t#flow",
    "async()=>{const a=await callStep('t#effect',[]);const b=await callStep('t#effect',[]);return [a,b]}",
  );
  const shared = checkedWorld(createMemoryWorld());
  let silent = false;
  const outcomes: CommitResult["status"][] = [];
  // The first worker's World: from some moment on it claims nothing, hears nothing and renews no lease, as a process that hangs.
  const hanging = wrap(shared, {
    watch: (listener) => shared.watch((hint) => (silent ? undefined : listener(hint))),
    claim: (request) => (silent ? new Promise(() => undefined) : shared.claim(request)),
    commit: async (commits) => {
      const results = await shared.commit(commits);
      // Only what writes history: a worker whose lease may have lapsed also commits nothing, to see whether it still owns its runs.
      if (silent) outcomes.push(...results.filter((_, index) => commits[index]!.rows.length > 0).map((result) => result.status));
      return results;
    },
  });
  await useWorld({ leaseMs: 200, graceMs: 0 }, hanging);
  const run = await start(flow, []);
  await until(() => calls.length === 1, "the first attempt");
  silent = true;
  await anotherWorker(shared, { leaseMs: 1000 });
  const record = await waitForEnd(shared, run.runId);
  releaseFirst();
  await until(() => outcomes.length > 0, "the late commit");
  expect(outcomes).toEqual(["fenced"]);
  expect(record).toBe("completed");
  expect(calls).toHaveLength(3);
  expect((await shared.load(run.runId)).rows).toHaveLength(3);
});

async function waitForEnd(world: World, runId: string): Promise<string> {
  let status = "running";
  await until(async () => (status = (await world.query.run({ id: runId }))?.status ?? "gone") !== "running", "the end of the run");
  return status;
}

test("a commit whose answer was lost is found again and not made twice", async () => {
  let calls = 0;
  step("t#once", async () => ++calls, "once");
  const flow = workflowOf<[], unknown>("t#lost", "async()=>{const r=[];for(let i=0;i<5;i++)r.push(await callStep('t#once',[]));return r}");
  const shared = checkedWorld(createMemoryWorld());
  let count = 0;
  await useWorld(
    {},
    wrap(shared, {
      async commit(commits) {
        const results = await shared.commit(commits);
        if (++count % 2 === 0) throw new Error("the connection died after COMMIT was sent");
        return results;
      },
    }),
  );
  const run = await start(flow, []);
  expect(await run.returnValue).toEqual([1, 2, 3, 4, 5]);
  expect(calls).toBe(5);
  expect((await shared.load(run.runId)).rows).toHaveLength(6);
});

test("a payload that was delivered is reported as delivered, also when the World is away right after", async () => {
  const flow = workflowOf("t#deliveredFlow", "async()=>await createHook({token:'delivered'})");
  const shared = checkedWorld(createMemoryWorld());
  let isAway = false;
  const { deliver, query } = shared;
  await useWorld(
    {},
    wrap(shared, {
      async deliver(messages) {
        const deliveries = await deliver(messages);
        isAway = true;
        return deliveries;
      },
      query: { ...query, run: (by) => (isAway ? Promise.reject(new Error("away")) : query.run(by)) },
    }),
  );
  const run = await start(flow, [], { id: "by-name" });
  await until(async () => (await run.note) !== null, "the hook");
  const { runId } = await resumeHook("delivered", "once");
  isAway = false;
  expect(await getRun(runId).returnValue).toBe("once");
});

test("a World that is away for a while delays runs and loses nothing", async () => {
  step("t#away", async () => "here", "away");
  const flow = workflowOf(
    "t#flowAway",
    "async()=>{const r=[];for(let i=0;i<5;i++){r.push(await callStep('t#away',[]));await sleep(5)}return r.length}",
  );
  const shared = checkedWorld(createMemoryWorld());
  let away = false;
  const unlessAway =
    <A extends unknown[], R>(call: (...args: A) => Promise<R>) =>
    (...args: A): Promise<R> =>
      away ? Promise.reject(new Error("the database is away")) : call(...args);
  await useWorld({}, wrap(shared, { commit: unlessAway(shared.commit), claim: unlessAway(shared.claim) }));
  const run = await start(flow, []);
  away = true;
  await new Promise((resolve) => setTimeout(resolve, 300));
  away = false;
  expect(await run.returnValue).toBe(5);
});

test("a batch that cannot pass as a whole passes in its parts", async () => {
  step("t#part", async () => 1, "part");
  const flow = workflowOf<[number], unknown>("t#parts", "async(n)=>[n,await callStep('t#part',[])]");
  const shared = checkedWorld(createMemoryWorld());
  await useWorld(
    {},
    wrap(shared, { commit: (commits) => (commits.length > 1 ? Promise.reject(new Error("too large")) : shared.commit(commits)) }),
  );
  const runs = await Promise.all([1, 2, 3].map((n) => start(flow, [n])));
  expect(await Promise.all(runs.map((run) => run.returnValue))).toEqual([1, 2, 3].map((n) => [n, 1]));
});

test("a commit that the World cannot store fails its run and no other", async () => {
  step("t#size", async (n: number) => "x".repeat(n), "size");
  const flow = workflowOf<[number], number>("t#sizes", "async(n)=>(await callStep('t#size',[n])).length");
  const shared = checkedWorld(createMemoryWorld());
  await useWorld(
    {},
    wrap(shared, {
      async commit(commits) {
        const fits = commits.filter((commit) => commit.rows.every((row) => row.length < 1000));
        const results = await shared.commit(fits);
        return commits.map(
          (commit) =>
            (fits.includes(commit)
              ? results[fits.indexOf(commit)]
              : { status: "failed", error: new RangeError("row too large") }) as CommitResult,
        );
      },
    }),
  );
  const [small, large] = await Promise.all([start(flow, [10]), start(flow, [5000])]);
  expect(await small.returnValue).toBe(10);
  await expect(large.returnValue).rejects.toMatchObject({ cause: { message: "row too large" } });
});

test("a history that went back is replayed and goes on; nothing is appended after a hole", async () => {
  let calls = 0;
  step("t#back", async () => ++calls, "back");
  const flow = workflowOf<[], unknown>(
    "t#flowBack",
    "async()=>{const r=[];for(let i=0;i<4;i++)r.push(await callStep('t#back',[]));return r.length}",
  );
  const shared = checkedWorld(createMemoryWorld());
  let behind = 1;
  await useWorld(
    {},
    wrap(shared, {
      async commit(commits) {
        const isThird = commits[0]?.base === 2 && behind-- > 0;
        return isThird ? [{ status: "behind" }] : shared.commit(commits);
      },
    }),
  );
  const run = await start(flow, []);
  expect(await run.returnValue).toBe(4);
  expect(calls).toBe(5);
  expect((await shared.load(run.runId)).rows).toHaveLength(5);
});

test("a run whose code and history disagree is parked, unharmed, and says what differs", async () => {
  step("t#a", async () => 1, "a");
  const { world, worker } = await useWorld();
  const before = workflowOf("t#changing", "async()=>{await callStep('t#a',[]);await createHook({token:'changing'});return 1}");
  const run = await start(before, []);
  await until(async () => /^waits for hook changing since \S+Z$/.test((await run.note) ?? ""), "the hook");
  const history = await world.load(run.runId);
  await worker.stop();
  // The bundle of the same version turns into another one: what no compiler does, but what a bug could.
  const tampered = bundleOf("async()=>{await sleep(5);return 1}");
  const other = await anotherWorker(world);
  Object.assign(other.bundles, { find: () => tampered });
  await resumeHook("changing", 1);
  await until(async () => ((await run.note) ?? "").startsWith("NONDETERMINISM"), "the note");
  expect(await run.note).toContain("history: step t#a#1; code: wait sleep#1");
  expect(await run.status).toBe("running");
  expect((await world.load(run.runId)).rows).toEqual(history.rows);
});

test("a step that no worker has parks the run until one has it", async () => {
  const flow = workflowOf("t#missingFlow", "async()=>callStep('t#missing-step',[])");
  await useWorld({ leaseMs: 200 });
  const run = await start(flow, []);
  await until(async () => ((await run.note) ?? "").startsWith("STEP_NOT_FOUND"), "the note");
  expect(await run.note).toContain("t#missing-step");
  step("t#missing-step", async () => "found", "missing-step");
  expect(await run.returnValue).toBe("found");
});

test("a worker without a version's code loads it from the World, checked by its hash", async () => {
  const { world } = await useWorld({ leaseMs: 200 });
  const good = bundleOf("async(name)=>'hello '+name");
  const input = encodeRunInput({ seed: "0".repeat(32), args: 'j["you"]', deadlineAt: null, address: null });
  await world.code.put(good.version, Buffer.from(JSON.stringify({ code: good.code, map: good.map })));
  await world.code.put("f".repeat(64), Buffer.from(JSON.stringify({ code: good.code, map: good.map })));
  const run = { key: null, workflowId: "t#unknown", input, dueAt: null };
  await world.createRuns([
    { ...run, id: "01900000-0000-7000-8000-000000000001", version: good.version },
    { ...run, id: "01900000-0000-7000-8000-000000000002", version: "f".repeat(64) },
    { ...run, id: "01900000-0000-7000-8000-000000000003", version: "e".repeat(64) },
  ]);
  expect(await getRun("01900000-0000-7000-8000-000000000001").returnValue).toBe("hello you");
  const note = (id: number) => getRun(`01900000-0000-7000-8000-00000000000${id}`).note;
  await until(
    async () => (await note(2))?.startsWith("BUNDLE_CORRUPT") === true && (await note(3))?.startsWith("VERSION_NOT_FOUND") === true,
    "the notes",
  );
});

test("idle runs leave memory and come back when they are due or a message arrives", async () => {
  const flow = workflowOf<[number], unknown>("t#evicted", "async(n)=>{await sleep(400);return await createHook({token:'evicted-'+n})}");
  const { world } = await useWorld({ idleMs: 50, leaseMs: 200, maxResidentRuns: 10 });
  const runs = await Promise.all(Array.from({ length: 30 }, (_, n) => start(flow, [n])));
  const owned = async () => (await world.query.runsById(runs.map((run) => run.runId))).filter((run) => run.owner !== null).length;
  await until(async () => (await owned()) === 0, "the eviction");
  await until(
    async () => (await Promise.all(runs.map((run) => run.note))).every((note) => note?.startsWith("waits for hook")),
    "the hooks",
  );
  await Promise.all(runs.map((_, n) => resumeHook(`evicted-${n}`, n)));
  expect(await Promise.all(runs.map((run) => run.returnValue))).toEqual(runs.map((_, n) => n));
});

test("a run that loses its worker again and again without getting on is stopped", async () => {
  const shared = checkedWorld(createMemoryWorld());
  // A World that reports every claimed run as one that lost its worker eleven times.
  const { world } = await useWorld(
    {},
    wrap(shared, {
      claim: async (request) => {
        const claimed = await shared.claim(request);
        return { ...claimed, runs: claimed.runs.map((run) => ({ ...run, isTakeover: true, crashes: 11 })) };
      },
    }),
  );
  const { code, version, map } = bundleOf("async()=>1");
  await world.code.put(version, Buffer.from(JSON.stringify({ code, map })));
  await world.createRuns([
    {
      id: "01900000-0000-7000-8000-000000000009",
      key: "doomed",
      workflowId: "t#doomed",
      version,
      input: encodeRunInput({ seed: "0".repeat(32), args: "j[]", deadlineAt: null, address: null }),
      dueAt: null,
    },
  ]);
  await expect(getRun("doomed").returnValue).rejects.toMatchObject({ cause: { code: "RUN_CRASHES_WORKER" } });
});

test("two workers share runs, each run has one owner, and a clean stop hands over at once", async () => {
  let calls = 0;
  step("t#shared", async (n: number) => (calls++, n), "shared");
  const flow = workflowOf<[number], number>(
    "t#sharedFlow",
    "async(n)=>{let s=0;for(let i=0;i<5;i++){s+=await callStep('t#shared',[n]);await sleep(20)}return s}",
  );
  const { world, worker } = await useWorld({ leaseMs: 60_000 });
  const second = await anotherWorker(world, { leaseMs: 60_000 });
  const runs = await Promise.all(Array.from({ length: 20 }, (_, n) => start(flow, [n])));
  await worker.stop();
  expect(await Promise.all(runs.map((run) => run.returnValue))).toEqual(runs.map((_, n) => 5 * n));
  expect(second.id).not.toBe(worker.id);
  expect(calls).toBeLessThanOrEqual(120);
});

test("a worker that is stopped in the middle of a replay leaves the run as it is", async () => {
  step("t#many", async (n: number) => n, "many");
  const flow = workflowOf<[], unknown>(
    "t#longReplay",
    "async()=>{for(let i=0;i<3000;i++)await callStep('t#many',[i]);await createHook({token:'long'});return 'end'}",
  );
  const { world, worker } = await useWorld();
  const run = await start(flow, []);
  await until(async () => (await run.note) !== null, "the hook");
  await worker.stop();
  await resumeHook("long", 1);
  const second = await anotherWorker(world);
  await until(() => second.holds(run.runId), "the takeover");
  await second.stop();
  expect(await run.status).not.toBe("failed");
  expect(await run.returnValue).toBe("end");
});

test("a worker that stood still past its lease begins no attempt of a run that is another's by now", async () => {
  const shared = checkedWorld(createMemoryWorld());
  let calls = 0;
  let taken = 0;
  step(
    "t#standing",
    async () => {
      if (++calls > 1) return;
      // The first attempt blocks the event loop beyond the lease, and another process takes the run meanwhile.
      const end = Date.now() + 700;
      while (Date.now() < end);
      taken = (await shared.claim({ worker: "other", limit: 10, leaseMs: 60_000 })).runs.length;
    },
    "standing",
  );
  const flow = workflowOf("t#standingFlow", "async()=>Promise.all(Array.from({length:10},()=>callStep('t#standing',[])))");
  await useWorld({ leaseMs: 300, concurrency: 1 }, shared);
  await start(flow, []);
  await until(() => taken === 1, "the takeover");
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(calls).toBe(1);
});

test("a worker that stood still and lost nothing goes on", async () => {
  let calls = 0;
  step(
    "t#blocking",
    async () => {
      calls++;
      const end = Date.now() + 250;
      while (Date.now() < end);
    },
    "blocking",
  );
  const flow = workflowOf(
    "t#blockingFlow",
    "async()=>{await Promise.all(Array.from({length:5},()=>callStep('t#blocking',[])));return 'done'}",
  );
  await useWorld({ leaseMs: 300, concurrency: 1 });
  expect(await (await start(flow, [])).returnValue).toBe("done");
  expect(calls).toBe(5);
});

test("runs whose creation or claim was answered by an error, and happened, are not forgotten", async () => {
  step("t#found", async () => "found", "found");
  const flow = workflowOf("t#lostAnswers", "async()=>{await sleep(100);return callStep('t#found',[])}");
  const shared = checkedWorld(createMemoryWorld());
  let losses = 0;
  const lose =
    <A extends unknown[], R>(call: (...args: A) => Promise<R>, isWorthIt: (result: R) => boolean) =>
    async (...args: A): Promise<R> => {
      const result = await call(...args);
      if (!isWorthIt(result)) return result;
      losses++;
      throw new Error("the connection died");
    };
  let lostClaims = 0;
  await useWorld(
    { idleMs: 20, leaseMs: 400 },
    wrap(shared, {
      createRuns: lose(shared.createRuns, () => losses === 0),
      claim: lose(shared.claim, (claimed) => claimed.runs.length > 0 && lostClaims++ === 0),
    }),
  );
  await expect(start(flow, [], { id: "lost" })).rejects.toThrow("the connection died");
  const run = await start(flow, [], { id: "lost" });
  expect(await run.returnValue).toBe("found");
  expect(losses).toBe(2);
});

test("a message that a claim shows again after its commit is delivered once", async () => {
  const flow = workflowOf(
    "t#twice",
    "async()=>{const hook=createHook({token:'twice'});const got=[];for await(const p of hook){got.push(p);if(p==='end')return got}}",
  );
  const shared = checkedWorld(createMemoryWorld());
  const later = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
  let shows = 0;
  await useWorld(
    {},
    wrap(shared, {
      // The message is shown twice, because its commit takes a while; the second answer arrives only after that commit's.
      async claim(request) {
        const claimed = await shared.claim(request);
        if (claimed.messages.length > 0 && ++shows === 2) await later(150);
        return claimed;
      },
      async commit(commits) {
        if (commits.some((commit) => commit.consumed)) await later(60);
        return shared.commit(commits);
      },
    }),
  );
  const run = await start(flow, []);
  await until(async () => (await run.note) !== null, "the hook");
  await resumeHook("twice", 1);
  await until(() => shows >= 2, "the second claim");
  await later(200);
  await resumeHook("twice", "end");
  expect(await run.returnValue).toEqual([1, "end"]);
});
