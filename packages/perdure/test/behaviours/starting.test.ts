/** Starts, handles and what runs show, as users see them. */
import { expect } from "vitest";

import { getRun, resumeHook, start, startMany } from "../../src/api/index.ts";
import { getWorkflowMetadata } from "../../src/index.ts";
import { onEveryWorld, setClock, type Lab } from "../support/behaviours.ts";
import { anotherWorker, until } from "../support/lab.ts";
import { endOf } from "../support/run-end.ts";

const fifty = Array.from({ length: 50 }, (_, index) => index);

/** Starts that are made at once, with one id. */
function rush(lab: Lab, ifExists: "return" | "fail" | "replace") {
  const order = lab.flow("order", "async (n) => { await note('run ' + n); return n }");
  return Promise.allSettled(fifty.map(async (n) => lab.start(order, [n], { id: "order-7", ifExists })));
}

onEveryWorld({
  "fifty callers that start one id at once start one run, and all get its result": async (lab) => {
    const started = await rush(lab, "return");
    const results = await Promise.all(started.map(async (one) => (one.status === "fulfilled" ? one.value.returnValue : one.reason)));
    expect(new Set(results).size).toBe(1);
    expect(lab.log).toEqual([`run ${results[0]}`]);
    expect((await lab.world.query.runs()).runs).toHaveLength(1);
  },

  "of fifty callers that insist on a new run, one gets it and the others are told": async (lab) => {
    const started = await rush(lab, "fail");
    const refused = started.flatMap((one) => (one.status === "rejected" ? [(one.reason as { code: string }).code] : []));
    expect(refused).toEqual(Array.from({ length: 49 }, () => "RUN_ALREADY_EXISTS"));
    await getRun("order-7").returnValue;
    expect(lab.log).toHaveLength(1);
  },

  "fifty callers that replace each other leave one run with the id, and every other is over": async (lab) => {
    const started = await rush(lab, "replace");
    expect(started.every(({ status }) => status === "fulfilled")).toBe(true);
    expect(await endOf(getRun("order-7"))).toMatch(/^completed: \d+$/);
    await until(async () => (await lab.world.query.runs({ status: "running" })).runs.length === 0, "all are over");
    const { runs } = await lab.world.query.runs();
    expect(runs).toHaveLength(50);
    expect(runs.filter(({ key }) => key === "order-7")).toHaveLength(1);
  },

  "a start that is repeated after the run's end gives the old result": async (lab) => {
    const order = lab.flow("order", "async (n) => { await note('run ' + n); return n }");
    expect(await (await lab.start(order, [1], { id: "order-8" })).returnValue).toBe(1);
    await lab.crash();
    expect(await (await lab.start(order, [2], { id: "order-8" })).returnValue).toBe(1);
    expect(lab.log).toEqual(["run 1"]);
  },

  "a run that is replaced is told in its step, and its late result counts for nothing": async (lab) => {
    const order = lab.flow("order", "async (text) => { await hang(text); return text }");
    const quick = lab.flow("quick", "async (text) => note(text)");
    await lab.start(order, ["old"], { id: "order-9" });
    await lab.logged("begin old");
    const [old] = (await lab.world.query.runs()).runs;
    expect(await (await lab.start(quick, ["new"], { id: "order-9", ifExists: "replace" })).returnValue).toBe("new");
    await lab.logged("told old");
    expect(await endOf(getRun(old!.id))).toMatch(/^cancelled: /);
    expect(await endOf(getRun("order-9"))).toBe("completed: new");
  },

  "a run that is to begin later does not begin before, whoever is there, and begins in another process": async (lab) => {
    const run = await lab.start("async () => { await note('begun'); return Date.now() }", [], { startAt: 100 });
    const { dueAt } = (await lab.world.query.run({ id: run.runId }))!;
    expect([await run.status, lab.log]).toEqual(["pending", []]);
    await lab.crash();
    expect(await run.returnValue).toBeGreaterThanOrEqual(dueAt!);
    expect(lab.log).toEqual(["begun"]);
  },

  "many runs are started all or none": async (lab) => {
    const order = lab.flow("order", "async (n) => n") as never;
    await expect(
      startMany([
        [order, [1]],
        [order, [{ callback: () => 1 }]],
      ] as never),
    ).rejects.toMatchObject({ code: "SERIALIZATION_FAILED" });
    expect((await lab.world.query.runs()).runs).toEqual([]);
    const runs = await startMany(fifty.map((n) => [order, [n], { id: `n-${n}` }] as never));
    const again = await startMany(fifty.map((n) => [order, [n + 1], { id: `n-${n}` }] as never));
    expect(await Promise.all([...runs, ...again].map((run: { returnValue: Promise<unknown> }) => run.returnValue))).toEqual([
      ...fifty,
      ...fifty,
    ]);
  },

  "a start is durable when it resolves: a crash right after it loses nothing": async (lab) => {
    const order = lab.flow("order", "async (n) => note('order ' + n)");
    const runs = await Promise.all(fifty.map(async (n) => lab.start(order, [n])));
    await lab.crash();
    expect(await Promise.all(runs.map((run) => run.returnValue))).toEqual(fifty.map((n) => `order ${n}`));
  },

  "two processes share the runs, and each run is executed once": async (lab) => {
    await anotherWorker(lab.world);
    const order = lab.flow("order", "async (n) => { await note('a' + n); await sleep(5); return note('b' + n) }");
    const runs = await Promise.all(fifty.map(async (n) => lab.start(order, [n])));
    expect(await Promise.all(runs.map((run) => run.returnValue))).toEqual(fifty.map((n) => `b${n}`));
    expect(lab.log.toSorted()).toEqual([...fifty.map((n) => `a${n}`), ...fifty.map((n) => `b${n}`)].toSorted());
  },

  "a handle says where its run is, from the start to the end, and another one by its id says the same": async (lab) => {
    const run = await lab.start("async () => { await createHook({ token: 'go' }); return 'done' }", [], { id: "shown", startAt: 20 });
    expect(await run.status).toBe("pending");
    await lab.waits(run, "hook go");
    expect([await run.status, await getRun("shown").status]).toEqual(["running", "running"]);
    await resumeHook("go");
    expect(await getRun("shown").returnValue).toBe("done");
    expect([await run.status, await run.note]).toEqual(["completed", null]);
    await expect(getRun("somebody else").status).rejects.toMatchObject({ code: "RUN_NOT_FOUND" });
  },

  "why a run failed can be read without asking for its result": async (lab) => {
    const run = await lab.start("async () => fail('declined')");
    await run.returnValue.catch(() => undefined);
    expect([await run.status, await run.note]).toEqual(["failed", "FatalError: declined"]);
  },

  "a workflow and its steps know their run by the id that its caller has": async (lab) => {
    lab.step("whoAmI", () => getWorkflowMetadata().workflowRunId);
    const code = "async () => [__perdure.getWorkflowMetadata().workflowRunId, await whoAmI()]";
    const named = await lab.start(code, [], { id: "order-10" });
    expect(await named.returnValue).toEqual(["order-10", "order-10"]);
    const unnamed = await lab.start(code);
    expect(await unnamed.returnValue).toEqual([unnamed.runId, unnamed.runId]);
  },

  "what a run publishes is seen when it is durable, is watched as it changes, and stays after its end": async (lab) => {
    const run = await lab.start(
      "async () => { for (let done = 0; done < 3; done++) { publish('progress', { done }); await createHook({ token: 'next-' + done }) } publish('progress', 'all'); }",
    );
    const seen: unknown[] = [];
    await until(async () => (await run.read("progress")) !== undefined, "the first value");
    for await (const value of run.watch("progress")) {
      seen.push(value);
      if (typeof value === "object") await resumeHook(`next-${(value as { done: number }).done}`);
    }
    expect(seen).toEqual([{ done: 0 }, { done: 1 }, { done: 2 }, "all"]);
    await run.returnValue;
    await lab.crash();
    expect(await run.read("progress")).toBe("all");
    expect(await run.read("other")).toBeUndefined();
  },

  "what a crashed process said before its turn was durable was never said": async (lab) => {
    const run = await lab.start(
      "async () => { publish('stage', 'one'); await stuck('x'); publish('stage', 'two'); await createHook({ token: 'end' }) }",
    );
    await lab.logged("stuck x");
    expect(await run.read("stage")).toBe("one");
    await lab.crash();
    await lab.waits(run, "hook end");
    expect(await run.read("stage")).toBe("two");
  },

  "runs are found by their attributes, those of the start and those that the workflow sets": async (lab) => {
    const order = lab.flow("order", "async (stage) => { setAttributes({ stage, draft: null }); return 'ok' }");
    const runs = await Promise.all(
      ["paid", "shipped", "paid"].map(async (stage, n) =>
        lab.start(order, [stage], { id: `o${n}`, attributes: { customer: "ann", draft: true, n } }),
      ),
    );
    await Promise.all(runs.map((run) => run.returnValue));
    const find = async (attributes: Record<string, string | number | boolean>): Promise<(string | null)[]> =>
      (await lab.world.query.runs({ attributes })).runs.map(({ key }) => key).toSorted();
    expect(await find({ customer: "ann", stage: "paid" })).toEqual(["o0", "o2"]);
    expect(await find({ stage: "shipped", n: 1 })).toEqual(["o1"]);
    expect(await find({ draft: true })).toEqual([]);
    expect(await runs[0]?.attributes).toEqual({ customer: "ann", stage: "paid", n: 0 });
  },

  "arguments and results may be anything that has a meaning elsewhere": async (lab) => {
    const circle: unknown[] = [1];
    circle.push(circle);
    const values = [
      new Date(0),
      new Map([["a", new Set([1n])]]),
      new Float32Array([1.5]),
      circle,
      undefined,
      Number.NaN,
      new URL("https://a.example/b?c"),
    ];
    lab.step("same", (list: unknown[]) => list);
    const run = await lab.start(
      "async (list) => [list[0] instanceof Date, list[3][1] === list[3], list[6] instanceof URL, await same(list)]",
      [values],
    );
    expect(await run.returnValue).toEqual([true, true, true, values]);
  },

  "arguments that cannot be stored start nothing, and the error says where they are": async (lab) => {
    const order = lab.flow("order", "async () => 1");
    await expect(start(order, [{ items: [{ price: () => 1 }] }] as never)).rejects.toMatchObject({
      code: "SERIALIZATION_FAILED",
      path: "args[0].items[0].price",
    });
    expect((await lab.world.query.runs()).runs).toEqual([]);
  },

  "a first step that a crash interrupts is called again with the same arguments, whatever the clock and chance say by then": async (
    lab,
  ) => {
    const calls: unknown[][] = [];
    lab.step("charge", async (...args: unknown[]) => (calls.push(args), calls.length === 1 ? new Promise(() => undefined) : "charged"));
    const run = await lab.start("async (order) => charge(order, Date.now(), Math.random(), crypto.randomUUID())", ["o1"]);
    await until(() => calls.length === 1, "the first attempt");
    await lab.crash();
    setClock(3_600_000);
    expect(await run.returnValue).toBe("charged");
    expect(calls[1]).toEqual(calls[0]);
  },
});
