import { describe, expect, expectTypeOf, test } from "vitest";

import { getRun, start, startMany, type Run } from "../src/api/index.ts";
import { step } from "../src/internal.ts";
import { readRows } from "../src/worker/replay.ts";
import { workflowOf } from "./support/bundle.ts";
import { anotherWorker, until, useWorld } from "./support/lab.ts";
import { worlds } from "./support/worlds.ts";

step("h#double", async (n: number) => n * 2, "double");
const double = workflowOf<[number], number>("h#doubled", "async(n)=>callStep('h#double',[n])");
const name = workflowOf<[string, string?], { name: string }>("h#named", "async(a,b='')=>({name:a+b})");
const sleepy = workflowOf<[], string[]>(
  "h#sleepy",
  "async()=>{const seen=[];const quiet=()=>0;const nap=(t,n)=>sleep(t).then(()=>seen.push(n));void sleep('9h').catch(quiet);setTimeout(()=>seen.push('timer'),3600000);" +
    "await Promise.all([nap('1h','a'),nap('2h','b')]);await nap('3h','c');await createHook({token:'h-end'});return seen}",
);
const waitsFor = (run: Run<unknown>, text: string): Promise<void> =>
  until(async () => (await run.note)?.includes(text) ?? false, `waits for ${text}`);

describe.each(worlds)("on %s", (_, create) => {
  test("startMany starts all in one call of the World, and gives the handles in order", async () => {
    const world = create();
    const calls: number[] = [];
    const { createRuns } = world;
    world.createRuns = (runs, options) => (calls.push(runs.length), createRuns.call(world, runs, options));
    await useWorld({}, world);
    const [a, b, c] = await startMany([
      [double, [4], { id: "four" }],
      [name, ["x", "y"]],
      [double, [5], { startAt: 20, attributes: { n: 5 } }],
    ]);
    expect(calls).toEqual([3]);
    expect([a.runId, await a.returnValue, await b.returnValue, await c.returnValue]).toEqual(["four", 8, { name: "xy" }, 10]);
    expect(await c.attributes).toEqual({ n: 5 });
  });

  test("startMany may be repeated: what exists is returned, what does not is started", async () => {
    const { world } = await useWorld({}, create());
    await start(double, [1], { id: "1" });
    const ids = ["0", "1", "2", "2"];
    const runs = await startMany(ids.map((id) => [double, [Number(id)], { id }] as const));
    const again = await startMany(ids.map((id) => [double, [100], { id }] as const));
    expect(runs.map(({ runId }) => runId)).toEqual(ids);
    expect(await Promise.all(again.map((run) => run.returnValue))).toEqual([0, 2, 4, 4]);
    expect((await world.query.runs()).runs).toHaveLength(3);
  });

  test("startMany starts none when one cannot be", async () => {
    const { world } = await useWorld({}, create());
    const none = async (requests: unknown, message: string): Promise<void> => {
      const failed = startMany(requests as [[typeof double, [number]]]);
      await expect(failed).rejects.toThrow(message);
      expect((await world.query.runs()).runs).toEqual([]);
    };
    await none(
      [
        [double, [1]],
        [double, [() => 1]],
      ],
      "`args[0]` is a function",
    );
    await none(
      [
        [double, [1]],
        [double, [1], { id: "a\0b" }],
      ],
      "cannot be",
    );
    await none(
      [
        [double, [1]],
        [async () => 1, []],
      ],
      "is not a compiled workflow",
    );
    await none([[double, [1]], double], "requests[1] of startMany() is not [workflow, args, options]");
    await none([[double, [1], { ifExists: "fail" }]], 'says ifExists: "fail"');
    await none(
      Array.from({ length: 1001 }, () => [double, [1]]),
      "given 1001 runs; it starts at most 1000 at once",
    );
    await none(double, "takes a list");
    expect(await startMany([])).toEqual([]);
  });

  test("wakeUp ends all pending sleeps, each by an event of its own, and nothing else", async () => {
    const { world } = await useWorld({}, create());
    const run = await start(sleepy, []);
    await waitsFor(run, "sleep");
    expect(await run.wakeUp()).toBe("requested");
    await until(async () => (await world.load(run.runId)).rows.length > 1, "the request is recorded");
    expect(
      readRows((await world.load(run.runId)).rows).map(({ event }) => ("op" in event ? `${event.type} ${event.op}` : event.type)),
    ).toEqual(["run_started", "wake_requested", "wait_completed sleep#1", "wait_completed sleep#2", "wait_completed sleep#3"]);
    expect((await world.load(run.runId)).messages).toEqual([]);
    await run.wakeUp();
    await waitsFor(run, "h-end");
    expect(await run.note).toContain("waits until");
    await world.deliver([{ id: "end", to: { token: "h-end" }, kind: "hook", payload: Buffer.from("j1") }]);
    expect(await run.returnValue).toEqual(["a", "b", "c"]);
    expect(await run.wakeUp()).toBe("ended");
  });

  test("wakeUp ends the sleep that is named, and a request that names none is forgotten", async () => {
    const { world } = await useWorld({}, create());
    const run = await start(sleepy, []);
    await waitsFor(run, "sleep");
    await run.wakeUp({ operation: "sleep#7" });
    await run.wakeUp({ operation: "sleep#3" });
    await until(async () => (await world.load(run.runId)).rows.length === 4, "the requests are recorded");
    const events = readRows((await world.load(run.runId)).rows).map(({ event }) => event);
    expect(events.slice(1).map((event) => ("op" in event ? event.op : event.type))).toEqual([
      "wake_requested",
      "wake_requested",
      "sleep#3",
    ]);
    expect((await world.load(run.runId)).messages).toEqual([]);
  });

  test("a request to wake up that cannot be read ends nothing, and neither the process", async () => {
    const { world } = await useWorld({}, create());
    const run = await start(sleepy, []);
    await waitsFor(run, "sleep");
    await world.deliver([{ id: "garbled", to: { runId: run.runId }, kind: "wake", payload: Buffer.from("?") }]);
    await run.wakeUp({ operation: "sleep#3" });
    await until(async () => (await world.load(run.runId)).rows.length === 4, "the requests are recorded");
    const events = readRows((await world.load(run.runId)).rows).map(({ event }) => event.type);
    expect(events.slice(1)).toEqual(["wake_requested", "wake_requested", "wait_completed"]);
  });

  test("a run that was woken goes on the same on another worker that replays it", async () => {
    const { world, worker } = await useWorld({}, create());
    const run = await start(sleepy, []);
    await waitsFor(run, "sleep");
    await worker.stop();
    expect(await run.wakeUp()).toBe("requested");
    const second = await anotherWorker(world);
    await until(async () => (await world.load(run.runId)).rows.length === 5, "the sleeps end");
    await second.stop();
    await anotherWorker(world);
    await run.wakeUp();
    await waitsFor(run, "h-end");
    await world.deliver([{ id: "end", to: { token: "h-end" }, kind: "hook", payload: Buffer.from("j1") }]);
    expect(await run.returnValue).toEqual(["a", "b", "c"]);
  });

  test("a run whose start was put off begins when it is woken", async () => {
    await useWorld({}, create());
    const run = await start(double, [3], { startAt: "1h" });
    expect(await run.status).toBe("pending");
    await run.wakeUp();
    expect(await run.returnValue).toBe(6);
  });

  test("a run can be started in a World that is not the process's own, and its handle asks that one", async () => {
    const { world: own } = await useWorld();
    const other = create();
    await other.setup();
    const run = await start(double, [21], { id: "elsewhere", world: other });
    const [many] = await startMany([[double, [4], { id: "many" }]], { world: other });
    expect([await run.status, await many.status]).toEqual(["pending", "pending"]);
    expect((await own.query.runs()).runs).toEqual([]);
    const returned = Promise.all([run.returnValue, many.returnValue, getRun("elsewhere", { world: other }).returnValue]);
    await anotherWorker(other);
    expect(await returned).toEqual([42, 8, 42]);
    await expect(getRun("elsewhere").status).rejects.toMatchObject({ code: "RUN_NOT_FOUND" });
  });
});

test.each(["sleep", "sleep#0", "step#1", "sleep#1 ", 3, {}])("wakeUp({ operation: %j }) is INVALID_ARGUMENT", async (operation) => {
  await useWorld();
  const run = await start(sleepy, []);
  await expect(run.wakeUp({ operation: operation as string })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
});

test("waking up a run that does not exist is RUN_NOT_FOUND", async () => {
  await useWorld();
  await expect(getRun("nobody").wakeUp()).rejects.toMatchObject({ code: "RUN_NOT_FOUND" });
});

test("types: a handle knows the value of its workflow, and requests are checked one by one", () => {
  const types = async (): Promise<void> => {
    expectTypeOf(getRun("x")).toEqualTypeOf<Run<unknown>>();
    expectTypeOf(getRun<string>("x")).toEqualTypeOf<Run<string>>();
    expectTypeOf(getRun<typeof name>("x")).toEqualTypeOf<Run<{ name: string }>>();
    expectTypeOf(getRun<string | number>("x")).toEqualTypeOf<Run<string | number>>();
    // oxlint-disable-next-line typescript/no-explicit-any -- what the test is about
    expectTypeOf(getRun<any>("x").returnValue).toEqualTypeOf<Promise<any>>();
    expectTypeOf(await startMany([[double, [1]], [name, ["a"], { id: "b" }]])).toEqualTypeOf<[Run<number>, Run<{ name: string }>]>(); // prettier-ignore
    expectTypeOf(await startMany([1, 2].map((n) => [double, [n]] as const))).toEqualTypeOf<Run<number>[]>();
    // @ts-expect-error the argument is a number
    await startMany([[double, ["1"]]]);
    // @ts-expect-error the result cannot be stored
    await startMany([[workflowOf<[], { f: () => void }>("h#f", ""), []]]);
    // @ts-expect-error there is no such option
    await startMany([[double, [1], { ids: 1 }]]);
    // @ts-expect-error it cannot be undone for the others
    await startMany([[double, [1], { ifExists: "fail" }]]);
    // @ts-expect-error the World is one for all
    await startMany([[double, [1], { world: null }]]);
  };
  expect(types).toBeTypeOf("function");
});
