// Whose a run is, when answers are lost and leases run out while something is under way.
import { checkedWorld } from "@perdure/world/conformance";
import { createMemoryWorld } from "@perdure/world/memory";
import { expect, test } from "vitest";

import { resumeHook, start } from "../src/api/index.ts";
import { step } from "../src/internal.ts";
import { createCommitter } from "../src/worker/committer.ts";
import type { Observation } from "../src/worker/observe/observation.ts";
import { workflowOf } from "./support/bundle.ts";
import { anotherWorker, gate, until, useWorld, wrap } from "./support/lab.ts";

test.each([
  // Its id says an earlier time, so that its beginning is left until it is there.
  ["that begins once it is there", { newRunId: () => "01900000-0000-7000-8000-00000000ea51" }],
  ["that has begun before", {}],
])("a run %s and is claimed before the answer to its creation came is here once, and hears its messages", async (_, ids) => {
  const flow = workflowOf<[], unknown>("t#early", "async()=>{const hook=createHook({token:'early'});return await hook}");
  const shared = checkedWorld(createMemoryWorld());
  const claimed = gate();
  let runId: string | null = null;
  let refused = 0;
  await useWorld(
    { leaseMs: 400 },
    wrap(shared, {
      ...ids,
      async createRuns(runs, options) {
        const results = await shared.createRuns(runs, options);
        runId = results[0]!.run.id;
        await claimed.opened;
        return results;
      },
      async claim(request) {
        // The World has it free, as after a lease that was over.
        if (runId !== null) await shared.release(request.worker, [{ runId, fence: 1, dueAt: Date.now() - 1 }]);
        const answer = await shared.claim(request);
        if (answer.runs.length > 0) setTimeout(claimed.open, 50);
        return answer;
      },
      async commit(commits) {
        return shared.commit(commits).catch((error: unknown) => {
          refused++;
          throw error;
        });
      },
    }),
  );
  const run = await start(flow, []);
  await until(async () => (await shared.query.hook("early")) !== null, "the hook");
  await new Promise((resolve) => setTimeout(resolve, 100));
  await resumeHook("early", "heard");
  expect(await run.returnValue).toBe("heard");
  expect((await shared.query.run({ id: run.runId }))?.fence).toBe(2);
  expect(refused).toBe(0);
});

test("a commit that is acknowledged late does not make a worker begin steps of a run that is another's by now", async () => {
  const begun: string[] = [];
  const last = gate();
  step("t#first", async () => void begun.push("first"), "first");
  step("t#second", async () => void begun.push("second"), "second");
  step("t#last", async () => last.opened, "last");
  const flow = workflowOf<[], unknown>(
    "t#acknowledgedLate",
    "async()=>{await callStep('t#first',[]);await callStep('t#second',[]);await callStep('t#last',[]);return 'done'}",
  );
  const shared = checkedWorld(createMemoryWorld());
  const answer = gate();
  let isCut = false;
  let renewals = 0;
  // The commit that asks for the second step lands, and the connection is lost for longer than the lease; its answer is the last thing to come back.
  const severed = wrap(shared, {
    watch: (listener) => shared.watch((hint) => (isCut ? undefined : listener(hint))),
    async claim(request) {
      if (isCut) throw new Error("there is no connection");
      const claimed = await shared.claim(request);
      renewals++;
      return claimed;
    },
    async commit(commits) {
      const results = await shared.commit(commits);
      if (begun.length !== 1 || commits[0]!.rows.length === 0 || answerIsOver) return results;
      answerIsOver = true;
      isCut = true;
      await answer.opened;
      throw new Error("the connection died");
    },
  });
  let answerIsOver = false;
  await useWorld({ leaseMs: 300 }, severed);
  const run = await start(flow, []);
  await until(() => isCut, "the commit whose answer is lost");
  await anotherWorker(shared, { leaseMs: 5000 });
  await until(async () => (await shared.load(run.runId)).rows.length === 3, "the second step's result, by the other worker");
  renewals = 0;
  isCut = false;
  await until(() => renewals > 0, "the lease of the first worker");
  await new Promise((resolve) => setTimeout(resolve, 100));
  answer.open();
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(begun).toEqual(["first", "second"]);
  last.open();
  expect(await run.returnValue).toBe("done");
  expect(begun).toEqual(["first", "second"]);
});

test("two copies of a run that have a commit in the queue do not hold up the others, nor alarm anybody", async () => {
  const world = createMemoryWorld();
  await world.setup();
  const ids = ["01900000-0000-7000-8000-000000000001", "01900000-0000-7000-8000-000000000002"] as const;
  const run = { key: null, workflowId: "w", version: "0", input: new Uint8Array(), dueAt: null };
  await world.heartbeat("w", 60_000);
  await world.createRuns(
    ids.map((id) => ({ ...run, id })),
    { owner: "w" },
  );
  const warnings: string[] = [];
  const observation = { tell: null, warn: (text: string) => void warnings.push(text) } as unknown as Observation;
  const committer = createCommitter(world, new AbortController().signal, observation);
  const commit = (runId: string, fence: number) => [{ runId, fence, worker: "w", base: 0, rows: [new Uint8Array(1)] }];
  const results = await Promise.all([
    committer.submit(commit(ids[0], 0)),
    committer.submit(commit(ids[0], 1)),
    committer.submit(commit(ids[1], 1)),
  ]);
  expect(results.flat().map(({ status }) => status)).toEqual(["fenced", "committed", "committed"]);
  expect(warnings).toEqual([]);
});
