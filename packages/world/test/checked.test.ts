import { expect, test } from "vitest";
import type { StreamAppended, StreamPage, World } from "@perdure/world";
import { checkedWorld } from "@perdure/world/conformance";
import { createMemoryWorld } from "@perdure/world/memory";
import { A, B, type Broken, bytes, claim, commitOf, end, newRun, out, send, testBroken } from "./broken.ts";

const append = (world: World, text: string) => world.streams.append([{ ...out, chunks: [bytes(text)] }]);
const appendsAs = (world: World, answer: StreamAppended): Partial<World> => ({
  streams: { ...world.streams, append: async () => [answer] },
});
const readsAs = (world: World, answer: Partial<StreamPage>): Partial<World> => {
  const page: StreamPage = { chunks: [], next: 0, done: false, length: 0, run: "running", ...answer };
  return { streams: { ...world.streams, read: async () => page } };
};

const broken: readonly Broken[] = [
  {
    name: "a fence that falls",
    says: /fence of run .* fell from 1 to 0/,
    breaks: (world, lies) => ({
      query: { ...world.query, run: async (by) => ({ ...(await world.query.run(by))!, fence: lies.on ? 0 : 1, owner: null }) },
    }),
    use: (world) => world.query.run({ id: A }),
  },
  {
    name: "a claim at the old fence",
    says: /claimed at fence 1; it had fence 1/,
    breaks: (world) => ({
      claim: async (request) => {
        const { runs, ...rest } = await world.claim(request);
        return { ...rest, runs: runs.map(({ run, ...claim }) => ({ ...claim, run: { ...run, fence: run.fence - 1 } })) };
      },
    }),
    use: (world, lies) => ((lies.time += 2000), claim(world, "w2")),
  },
  {
    name: "one fence given to two claims that overlap",
    says: /given at fence 2 twice/,
    breaks: (world) => {
      let answer: ReturnType<World["claim"]> | null = null;
      return { claim: () => (answer ??= claim(world, "w2")) };
    },
    use: (world, lies) => ((lies.time += 2000), Promise.all([claim(world, "w2"), claim(world, "w2")])),
  },
  {
    name: "a run taken from a worker whose lease lasts",
    says: /taken from w1, whose lease was not over/,
    breaks: (world, lies) => ({
      claim: async (request) => {
        lies.time += 2000;
        const claimed = await world.claim(request);
        lies.time -= 2000;
        return claimed;
      },
    }),
    use: (world) => claim(world, "w2"),
  },
  {
    name: "a run given to the worker that owns it",
    says: /w1 was given run .*, which it owned/,
    breaks: (world) => ({
      claim: async (request) => {
        const claimed = await world.claim(request);
        const run = (await world.query.run({ id: A }))!;
        return { ...claimed, runs: [{ run: { ...run, fence: 2 }, isTakeover: false, crashes: 0 }] };
      },
    }),
    use: (world) => claim(world, "w1"),
  },
  {
    name: "more runs than the limit",
    says: /at most 10 runs and was given 11/,
    breaks: (world) => ({
      claim: async (request) => ({ ...(await world.claim(request)), runs: Array.from({ length: 11 }, () => ({})) as never[] }),
    }),
    use: (world) => claim(world, "w2"),
  },
  {
    name: "a run claimed before it was due",
    says: /claimed before it was due/,
    breaks: (world) => ({
      claim: async (request) => {
        const { runs, ...rest } = await world.claim(request);
        return { ...rest, runs: runs.map(({ run, ...claim }) => ({ ...claim, run: { ...run, dueAt: 9e15 } })) };
      },
    }),
    use: async (world) => (await world.createRuns([newRun(B)]), claim(world, "w2")),
  },
  {
    name: "a run that is over and changes",
    says: /was over \(completed\) and changed/,
    breaks: (world, lies) => ({
      query: { ...world.query, run: async (by) => ({ ...(await world.query.run(by))!, note: lies.on ? "later" : null }) },
    }),
    use: async (world, lies) => {
      lies.on = false;
      await world.commit([commitOf(0, ["a"], end)]);
      await world.query.run({ id: A });
      lies.on = true;
      await world.query.run({ id: A });
    },
  },
  {
    name: "a run that is over without an end",
    says: /is completed and ended at null/,
    breaks: (world) => ({ query: { ...world.query, run: async (by) => ({ ...(await world.query.run(by))!, endedAt: null }) } }),
    use: async (world) => (await world.commit([commitOf(0, ["a"], end)]), world.query.run({ id: A })),
  },
  {
    name: "a commit that is acknowledged and not stored",
    says: /Row 1 of run .* was committed and is not there/,
    breaks: () => ({ commit: async (commits) => commits.map(() => ({ status: "committed", conflicts: [] })) }),
    use: (world) => world.commit([commitOf(0, ["a"])]),
  },
  {
    name: "a commit that is stored with other bytes",
    says: /Row 1 of run .* not there as it was written/,
    breaks: (world) => ({ commit: (commits) => world.commit(commits.map((one) => ({ ...one, rows: [bytes("b")] }))) }),
    use: (world) => world.commit([commitOf(0, ["a"])]),
  },
  {
    name: "a commit of an owner that was taken over",
    says: /at fence 1 was accepted; the fence was 2/,
    breaks: (world) => ({
      commit: (commits) => world.commit(commits.map((one) => (one.fence === 1 ? { ...one, fence: 2, worker: "w2" } : one))),
    }),
    use: async (world, lies) => {
      lies.time += 2000;
      await claim(world, "w2");
      return world.commit([commitOf(0, ["late"])]);
    },
  },
  {
    name: "a commit in the middle of a history",
    says: /behind row 0 was accepted; the history had 1 rows/,
    breaks: (world, lies) => ({
      commit: (commits) => (lies.on ? Promise.resolve([{ status: "committed", conflicts: [] }]) : world.commit(commits)),
    }),
    use: async (world, lies) => {
      lies.on = false;
      await world.commit([commitOf(0, ["a"])]);
      lies.on = true;
      return world.commit([commitOf(0, ["b"])]);
    },
  },
  {
    name: "a commit to a run that is over",
    says: /was accepted; the run was completed/,
    breaks: (world, lies) => ({
      commit: (commits) => (lies.on ? Promise.resolve([{ status: "committed", conflicts: [] }]) : world.commit(commits)),
    }),
    use: async (world, lies) => {
      lies.on = false;
      await world.commit([commitOf(0, ["a"], end)]);
      await world.query.run({ id: A });
      lies.on = true;
      return world.commit([commitOf(1, ["b"])]);
    },
  },
  {
    name: "outcomes that are fewer than commits",
    says: /1 commits were made; 0 were answered/,
    breaks: () => ({ commit: async () => [] }),
    use: (world) => world.commit([commitOf(0, ["a"])]),
  },
  {
    name: "a conflict that nobody asked for",
    says: /reports a conflict of "x"/,
    breaks: (world) => ({ commit: async (commits) => (await world.commit(commits), [{ status: "committed", conflicts: ["x"] }]) }),
    use: (world) => world.commit([commitOf(0, ["a"])]),
  },
  {
    name: "a history with a hole",
    says: /has row 2 where row 1 belongs/,
    breaks: (world, lies) => ({
      load: async (runId, page) => {
        const loaded = await world.load(runId, page);
        return lies.on ? { ...loaded, rows: [{ seq: 2, data: bytes("b") }] } : loaded;
      },
    }),
    use: (world) => world.load(A),
  },
  {
    name: "a history that became shorter",
    says: /has 1 rows; behind row 0 only 0 came/,
    breaks: (world, lies) => ({ load: async (id, page) => ({ ...(await world.load(id, page)), ...(lies.on ? { rows: [] } : {}) }) }),
    use: async (world, lies) => {
      lies.on = false;
      await world.commit([commitOf(0, ["a"])]);
      lies.on = true;
      return world.load(A);
    },
  },
  {
    name: "a row that changed",
    says: /Row 1 of run .* changed/,
    breaks: (world, lies) => ({
      load: async (id, page) => ({ ...(await world.load(id, page)), ...(lies.on ? { rows: [{ seq: 1, data: bytes("b") }] } : {}) }),
    }),
    use: async (world, lies) => {
      lies.on = false;
      await world.commit([commitOf(0, ["a"])]);
      lies.on = true;
      return world.load(A);
    },
  },
  {
    name: "a message that waits after it was consumed",
    says: /Message m of run .* was consumed and waits still/,
    breaks: (world) => ({ commit: (commits) => world.commit(commits.map((one) => ({ ...one, consumed: [] }))) }),
    use: async (world) => (await send(world), world.commit([commitOf(0, ["a"], { consumed: ["m"] })])),
  },
  {
    name: "a message that comes again after it was consumed",
    says: /Message m of run .* was consumed and came again/,
    breaks: (world) => ({
      claim: async (request) => ({
        ...(await world.claim(request)),
        messages: [{ runId: A, id: "m", kind: "wake", operation: null, payload: bytes("p") }],
      }),
    }),
    use: async (world) => {
      await send(world);
      await world.commit([commitOf(0, ["a"], { consumed: ["m"] })]);
      return claim(world, "w1");
    },
  },
  {
    name: "a message that is delivered twice",
    says: /Message m was delivered to run .* twice/,
    breaks: () => ({ deliver: async () => [{ status: "delivered", runId: A }] }),
    use: async (world) => (await send(world), send(world)),
  },
  {
    name: "a message that does not find its run",
    says: /found no run .*, which exists/,
    breaks: () => ({ deliver: async () => [{ status: "not_found" }] }),
    use: (world) => send(world),
  },
  {
    name: "a run that is created twice",
    says: /was created twice/,
    breaks: (world) => ({
      createRuns: async (runs, options) =>
        (await world.createRuns(runs, options)).map(({ run }) => ({ run: { ...run, fence: 0 }, created: true, replaced: null })),
    }),
    use: async (world) => (await world.createRuns([newRun(B)]), world.createRuns([newRun(B)])),
  },
  {
    name: "another run than the one that was asked for",
    says: /was asked for and run .* was answered/,
    breaks: (world) => ({ createRuns: async () => [{ run: (await world.query.run({ id: A }))!, created: false, replaced: null }] }),
    use: (world) => world.createRuns([newRun(B)]),
  },
  {
    name: "appends on top of each other",
    says: /an append to .* "out" .* had 1 chunks, found 0|appended at 0 to .* "out" .* had 1/i,
    breaks: (world) => appendsAs(world, { status: "appended", added: 1, length: 1 }),
    use: async (world) => (await append(world, "a"), append(world, "b")),
  },
  {
    name: "an append to a closed stream",
    says: /appended to .* "out" .* which was closed/,
    breaks: (world) => appendsAs(world, { status: "appended", added: 1, length: 1 }),
    use: async (world) => (await world.streams.append([{ ...out, chunks: [bytes("a")], close: true }]), append(world, "b")),
  },
  {
    name: "an append of half of the chunks",
    says: /1 of 2 chunks were added/,
    breaks: (world) => appendsAs(world, { status: "appended", added: 1, length: 1 }),
    use: (world) => world.streams.append([{ ...out, chunks: [bytes("a"), bytes("b")] }]),
  },
  {
    name: "an append that a writer is told of twice",
    says: /The writer w was told .* has 1 of its chunks; 1 were added/,
    breaks: (world) => ({
      streams: { ...world.streams, append: (all) => world.streams.append(all.map(({ runId, name, chunks }) => ({ runId, name, chunks }))) },
    }),
    use: async (world) => {
      const one = { ...out, chunks: [bytes("a")], writer: { id: "w", from: 0 } };
      await world.streams.append([one]);
      await world.streams.append([one]);
    },
  },
  {
    name: "an append that found no run",
    says: /found no run .*, which exists/,
    breaks: (world) => appendsAs(world, { status: "not_found" }),
    use: (world) => append(world, "a"),
  },
  {
    name: "a stream that lost a chunk",
    says: /has 1 chunks; 0 came/,
    breaks: (world) => readsAs(world, { length: 1 }),
    use: async (world) => (await append(world, "a"), world.streams.read(out, 0)),
  },
  {
    name: "a stream that got shorter",
    says: /has 1 chunks, not 0/,
    breaks: (world) => readsAs(world, { next: 1 }),
    use: async (world) => (await append(world, "a"), world.streams.read(out, 1)),
  },
  {
    name: "a stream of a run that is said not to exist",
    says: /exists; its stream "out" says that it does not/,
    breaks: (world) => readsAs(world, { run: null }),
    use: (world) => world.streams.read(out, 0),
  },
  {
    name: "a stream of a run that is said to go on",
    says: /is completed; its stream says running/,
    breaks: (world) => readsAs(world, {}),
    use: async (world) => (await world.commit([commitOf(0, ["a"], end)]), await world.query.run({ id: A }), world.streams.read(out, 0)),
  },
  {
    name: "a closed stream without an end",
    says: /was closed and goes on/,
    breaks: (world) => readsAs(world, {}),
    use: async (world) => (await world.streams.append([{ ...out, chunks: [], close: true }]), world.streams.read(out, 0)),
  },
  {
    name: "a bundle that is not kept",
    says: /The bundle h was stored and is not there/,
    breaks: (world) => ({ code: { ...world.code, put: async () => {} } }),
    use: (world) => world.code.put("h", bytes("code")),
  },
  {
    name: "a bundle that changes",
    says: /The bundle h is gone, or changed/,
    breaks: (world, lies) => ({ code: { ...world.code, get: async (hash) => (lies.on ? bytes("other") : world.code.get(hash)) } }),
    use: async (world, lies) => {
      lies.on = false;
      await world.code.put("h", bytes("code"));
      lies.on = true;
      return world.code.get("h");
    },
  },
  {
    name: "a page that repeats a run",
    says: /answered one run twice/,
    breaks: (world) => ({
      query: {
        ...world.query,
        runs: async () => ({ runs: [(await world.query.run({ id: A }))!, (await world.query.run({ id: A }))!], cursor: null }),
      },
    }),
    use: (world) => world.query.runs(),
  },
];

testBroken(broken);

test("a checked World passes errors on as they are", async () => {
  const world = checkedWorld(createMemoryWorld());
  await expect(world.load(A)).rejects.toMatchObject({ code: "RUN_NOT_FOUND" });
  await world.close();
  await expect(world.now()).rejects.toMatchObject({ code: "WORLD_CLOSED" });
});

test("a commit whose acknowledgement was lost may be found landed at any later time", async () => {
  const world = createMemoryWorld();
  let lose = true;
  const checked = checkedWorld({
    ...world,
    async commit(commits) {
      const results = await world.commit(commits);
      if (lose) throw new Error("connection lost");
      return results;
    },
  });
  await checked.heartbeat("w1", 1000);
  await checked.createRuns([newRun(A)], { owner: "w1" });
  await expect(checked.commit([commitOf(0, ["a"])])).rejects.toThrow("connection lost");
  lose = false;
  expect(await checked.commit([commitOf(0, ["a"])])).toEqual([{ status: "committed", conflicts: [] }]);
  expect((await checked.load(A)).rows).toHaveLength(1);
});
