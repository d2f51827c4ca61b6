/** Children, other runs, and going on in a new one, as users see them. */
import { expect } from "vitest";

import { getRun, resumeHook, type Run } from "../../src/api/index.ts";
import { WorkflowRunFailedError } from "../../src/errors/index.ts";
import { onEveryWorld, type Lab } from "../support/behaviours.ts";
import { anotherWorker, until } from "../support/lab.ts";
import { endOf } from "../support/run-end.ts";

/** Goes on in a new run each time that its hook gets a payload, until that is "end". */
const going = `async (n) => {
  publish("round", n);
  const payload = await createHook({ token: "round-" + n });
  if (payload === "end") return "ended in round " + n;
  return continueAsNew([n + 1]);
}`;

async function round(n: number, payload: string): Promise<void> {
  await until(
    async () =>
      resumeHook(`round-${n}`, payload).then(
        () => true,
        () => false,
      ),
    `round ${n}`,
  );
}

/** The records of all runs, the first one first. */
async function records({ world }: Lab) {
  return (await world.query.runs()).runs.toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

onEveryWorld({
  "a child is started once, however often its parent's process crashes": async (lab) => {
    lab.flow("child", "async (n) => { await note('child ' + n); return n * 2 }");
    const parent = await lab.start(
      "async () => { const run = await start(child, [21]); const value = await run.returnValue; await stuck('one'); await stuck('two'); return value }",
    );
    for (const name of ["one", "two"]) {
      await lab.logged(`stuck ${name}`);
      await lab.crash();
    }
    expect(await parent.returnValue).toBe(42);
    expect(lab.log.filter((line) => line === "child 21")).toHaveLength(1);
    expect(await records(lab)).toHaveLength(2);
  },

  "a parent and its child may both be in the middle of something when the process crashes": async (lab) => {
    lab.flow("child", "async () => { await note('child begins'); return stuck('child') }");
    const parent = await lab.start(
      "async () => { const run = await start(child, []); const [a, b] = await Promise.all([run.returnValue, stuck('parent')]); return [a, b] }",
    );
    await Promise.all([lab.logged("stuck child"), lab.logged("stuck parent")]);
    await lab.crash();
    expect(await parent.returnValue).toEqual(["child", "parent"]);
    expect(lab.log.filter((line) => line === "child begins")).toHaveLength(1);
  },

  "thirty children at once, executed by two processes, give their results in order": async (lab) => {
    await anotherWorker(lab.world);
    lab.flow("child", "async (n) => { await sleep(n % 3); return note('child ' + n) }");
    const parent = await lab.start(
      "async () => { const runs = await Promise.all(Array.from({ length: 30 }, (_, n) => start(child, [n]))); return Promise.all(runs.map((run) => run.returnValue)) }",
    );
    expect(await parent.returnValue).toEqual(Array.from({ length: 30 }, (_, n) => `child ${n}`));
    expect(lab.log).toHaveLength(30);
  },

  "an error keeps its class, cause and properties from a step in a child through its parent to the caller": async (lab) => {
    lab.step(
      "charge",
      () => {
        throw Object.assign(new TypeError("declined", { cause: new RangeError("limit") }), { declineCode: 51, at: new Date(7) });
      },
      { retry: { maxAttempts: 1 } },
    );
    lab.flow("child", "async () => charge()");
    const parent = await lab.start("async () => (await start(child, [], { id: 'child' })).returnValue");
    const error = (await parent.returnValue.catch((thrown: unknown) => thrown)) as { cause: { cause: Error; runId: string } };
    expect(WorkflowRunFailedError.is(error) && WorkflowRunFailedError.is(error.cause)).toBe(true);
    expect(error.cause.runId).toBe("child");
    expect(error.cause.cause).toBeInstanceOf(TypeError);
    expect(error.cause.cause).toMatchObject({ message: "declined", declineCode: 51, at: new Date(7), cause: { message: "limit" } });
    expect(error.cause.cause.cause).toBeInstanceOf(RangeError);
  },

  "a run can be awaited that ended before, that ends later, that failed, was cancelled, or never was": async (lab) => {
    await (
      await lab.start("async () => 'before'", [], { id: "before" })
    ).returnValue;
    await (await lab.start("async () => { throw new RangeError('broken') }", [], { id: "failed" })).returnValue.catch(() => undefined);
    const gone = await lab.start("async () => createHook()", [], { id: "gone" });
    await gone.terminate({ reason: "not needed" });
    await lab.start("async () => createHook({ token: 'later' })", [], { id: "later" });
    const asking = await lab.start(
      `async () => Promise.all(["before", "later", "failed", "gone", "never"].map((id) =>
        getRun(id).returnValue.catch((error) => [error.code, String(error.cause?.cause ?? error.cause)])))`,
    );
    await lab.waits(asking, "run later");
    await lab.crash();
    await resumeHook("later", "after a crash");
    expect(await asking.returnValue).toEqual([
      "before",
      "after a crash",
      ["RUN_FAILED", "RangeError: broken"],
      ["RUN_CANCELLED", "not needed"],
      ["RUN_NOT_FOUND", "undefined"],
    ]);
  },

  "a run that ended while nobody was there is told to those who await it": async (lab) => {
    const awaited = await lab.start("async () => createHook()", [], { id: "awaited" });
    const asking = await lab.start("async () => getRun('awaited').returnValue.catch((error) => [error.code, error.cause.cause])");
    await lab.waits(asking, "run awaited");
    await lab.shutDown();
    await awaited.terminate({ reason: "while away" });
    await lab.boot();
    expect(await asking.returnValue).toEqual(["RUN_CANCELLED", "while away"]);
  },

  "a child that was abandoned outlives its parent and can be awaited by others": async (lab) => {
    lab.flow("child", "async () => createHook({ token: 'child' })");
    const parent = await lab.start("async () => (await start(child, [], { id: 'child', parentClosePolicy: 'abandon' })).runId");
    expect(await parent.returnValue).toBe("child");
    await lab.waits(getRun("child"), "hook child");
    const other = await lab.start("async () => getRun('child').returnValue");
    await lab.waits(other, "run child");
    await resumeHook("child", "outlived");
    expect(await other.returnValue).toBe("outlived");
  },

  "a run that goes on in a new one keeps its id, its attributes and those who wait for it, and starts a short history": async (lab) => {
    const run = await lab.start(going, [1], { id: "loop", attributes: { kind: "loop" } });
    const result = run.returnValue;
    for (const n of [1, 2, 3]) await round(n, "on");
    await round(4, "end");
    expect(await result).toBe("ended in round 4");
    expect([await run.status, await run.read("round"), await run.attributes]).toEqual(["completed", 4, { kind: "loop" }]);
    const runs = await records(lab);
    expect(runs.map(({ key, status, successor }) => [key, status, successor])).toEqual(
      runs.map(({ status }, index) => [index === 3 ? "loop" : null, status, runs[index + 1]?.id ?? null]),
    );
    for (const { id } of runs) expect((await lab.world.load(id)).rows).toHaveLength(2);
  },

  "a crash between a run and the one in which it goes on repeats nothing": async (lab) => {
    const run = await lab.start(
      "async (n) => { await note('round ' + n); await (n === 2 ? stuck('two') : note('x' + n)); if (n === 4) return 'over'; return continueAsNew([n + 1]) }",
      [1],
      { id: "loop" },
    );
    await lab.logged("stuck two");
    await lab.crash();
    expect(await run.returnValue).toBe("over");
    expect(lab.log).toEqual(["round 1", "x1", "round 2", "stuck two", "stuck two", "round 3", "x3", "round 4", "x4"]);
  },

  "a parent that awaits a child sees the result of the last run in which that went on": async (lab) => {
    lab.flow("child", going);
    const parent = await lab.start("async () => (await start(child, [1])).returnValue");
    await round(1, "on");
    await round(2, "on");
    await lab.waits(parent, "run ");
    await lab.crash();
    await round(3, "end");
    expect(await parent.returnValue).toBe("ended in round 3");
  },

  "cancelling by its id reaches the run in which it goes on": async (lab) => {
    const run = await lab.start(going, [1], { id: "loop" });
    await round(1, "on");
    await until(async () => (await run.read("round")) === 2, "the second round");
    expect(await run.cancel({ reason: "enough" })).toBe("requested");
    expect(await endOf(run)).toBe("cancelled: enough");
  },

  "a handle without an id of the caller's follows the run to where it goes on": async (lab) => {
    const run: Run<unknown> = await lab.start(going, [1]);
    await round(1, "on");
    await until(async () => (await run.read("round")) === 2, "the second round");
    expect(await run.status).toBe("running");
    expect(await run.cancel({ reason: "enough" })).toBe("requested");
    expect(await endOf(run)).toBe("cancelled: enough");
    expect(await run.status).toBe("cancelled");
  },

  "terminating by the first handle ends the run in which it goes on": async (lab) => {
    const run = await lab.start(going, [1]);
    await round(1, "on");
    await round(2, "on");
    await until(async () => (await records(lab)).length === 3, "the third round");
    expect(await run.terminate({ reason: "now" })).toBe("ended");
    expect(await endOf(run)).toBe("cancelled: now");
    expect((await records(lab)).every(({ status }) => status !== "running")).toBe(true);
  },

  "cancelling a parent reaches the run in which its child goes on": async (lab) => {
    lab.flow("child", going);
    const parent = await lab.start("async () => (await start(child, [1], { id: 'child' })).returnValue");
    await round(1, "on");
    await until(async () => (await records(lab)).length === 3, "the second round");
    await parent.cancel({ reason: "all of it" });
    expect(await endOf(parent)).toBe("cancelled: all of it");
    expect(await endOf(getRun("child"))).toBe("cancelled: all of it");
  },

  "a parent that ends asks the run in which its child goes on to end": async (lab) => {
    lab.flow("child", going);
    const parent = await lab.start("async () => { await start(child, [1], { id: 'child' }); return createHook({ token: 'leave' }) }");
    await round(1, "on");
    await until(async () => (await records(lab)).length === 3, "the second round");
    await resumeHook("leave", "left");
    expect(await endOf(parent)).toBe("completed: left");
    expect(await endOf(getRun("child"))).toBe("cancelled: the run that started it has ended");
  },

  "a request to end that comes together with what makes a run go on is heard by the new one": async (lab) => {
    const run = await lab.start(going, [1], { id: "loop" });
    await lab.waits(run, "hook round-1");
    await lab.shutDown();
    await resumeHook("round-1", "on");
    expect(await run.cancel({ reason: "meanwhile" })).toBe("requested");
    await lab.boot();
    expect(await endOf(run)).toBe("cancelled: meanwhile");
  },

  "a deadline holds for the whole chain of runs": async (lab) => {
    const run = await lab.start("async (n) => { await sleep(10); return continueAsNew([n + 1]) }", [1], { id: "endless", deadline: 100 });
    expect(await endOf(run)).toMatch(/^cancelled: TimeoutError: /);
  },

  "finally blocks run on the way to the new run, and a hook's token passes to it": async (lab) => {
    const run = await lab.start(
      "async (n) => { const hook = createHook({ token: 'same' }); try { const payload = await hook; if (payload === 'end') return n; return await continueAsNew([n + 1]) } finally { await note('left ' + n) } }",
      [1],
      { id: "desk" },
    );
    await lab.waits(run, "hook same");
    await resumeHook("same", "on");
    await lab.logged("left 1");
    await until(async () => (await records(lab)).length === 2, "the second run");
    await lab.waits(run, "hook same");
    await resumeHook("same", "end");
    expect(await run.returnValue).toBe(2);
    expect(lab.log).toEqual(["left 1", "left 2"]);
  },

  "a run may be started by a step and awaited by its workflow": async (lab) => {
    const other = lab.flow("other", "async (n) => n + 1");
    lab.step("begin", async (n: number) => lab.start(other, [n], { id: `other-${n}` }));
    const run = await lab.start("async () => { const handle = await begin(1); return [handle.runId, await handle.returnValue] }");
    expect(await run.returnValue).toEqual(["other-1", 2]);
  },

  "a child may wait for a hook, and its parent for the child, while no process is there for either": async (lab) => {
    lab.flow("child", "async () => createHook({ token: 'signature' })");
    const parent = await lab.start("async () => { const run = await start(child, []); return 'signed by ' + await run.returnValue }");
    await lab.waits(parent, "run ");
    await until(async () => (await lab.world.query.hook("signature")) !== null, "the hook");
    await lab.shutDown();
    await resumeHook("signature", "ann");
    await lab.boot();
    expect(await parent.returnValue).toBe("signed by ann");
  },

  "whoever watches what a run publishes goes on watching where the run goes on": async (lab) => {
    const run = await lab.start(going, [1]);
    const seen: unknown[] = [];
    await until(async () => (await run.read("round")) === 1, "the first round");
    for await (const value of run.watch("round")) {
      seen.push(value);
      await round(value as number, value === 3 ? "end" : "on");
    }
    expect(seen).toEqual([1, 2, 3]);
  },

  "attributes that are set in the last turn of a run are those of the next one": async (lab) => {
    const run = await lab.start(
      "async (n) => { if (n === 2) return createHook({ token: 'end' }); await note('one'); setAttributes({ stage: 'second', first: null }); return continueAsNew([2]) }",
      [1],
      { id: "loop", attributes: { first: true, kind: "loop" } },
    );
    await lab.waits(run, "hook end");
    expect(await run.attributes).toEqual({ kind: "loop", stage: "second" });
    await run.terminate();
  },

  "a run that somebody else started is joined by its id, and is not cancelled with the one that joined it": async (lab) => {
    const other = lab.flow("other", "async () => createHook({ token: 'other' })");
    const run = await lab.start(other, [], { id: "theirs" });
    const joining = await lab.start("async () => (await start(other, [], { id: 'theirs' })).returnValue");
    await lab.waits(joining, "run ");
    await joining.cancel({ reason: "mine alone" });
    expect(await endOf(joining)).toBe("cancelled: mine alone");
    await lab.waits(run, "hook other");
    await resumeHook("other", "theirs");
    expect(await endOf(run)).toBe("completed: theirs");
  },

  "a child that is started in the very turn in which its parent is cancelled ends too": async (lab) => {
    lab.flow("child", "async () => hang('child')");
    const parent = await lab.start(
      "async () => { await createHook({ token: 'go' }); return (await start(child, [], { id: 'child' })).returnValue }",
    );
    await lab.waits(parent, "hook go");
    await lab.shutDown();
    await resumeHook("go");
    await parent.cancel({ reason: "just then" });
    await lab.boot();
    expect(await endOf(parent)).toBe("cancelled: just then");
    const child = await lab.world.query.run({ key: "child" });
    expect(child === null ? "never started" : await endOf(getRun("child"))).toMatch(/^never started$|^cancelled: just then$/);
  },

  "a child that takes over the id of a run ends it, and whoever awaited that one is told": async (lab) => {
    const worker = lab.flow("worker", "async (name) => createHook({ token: name })");
    const first = await lab.start(worker, ["first"], { id: "worker" });
    const { id } = (await lab.world.query.run({ key: "worker" }))!;
    const asking = await lab.start("async (id) => getRun(id).returnValue.catch((error) => error.code)", [id]);
    await lab.waits(asking, "run ");
    const parent = await lab.start("async () => (await start(worker, ['second'], { id: 'worker', ifExists: 'replace' })).returnValue");
    await until(async () => (await lab.world.query.hook("second")) !== null, "the second one");
    expect(await asking.returnValue).toBe("RUN_CANCELLED");
    await resumeHook("second", "done");
    expect(await parent.returnValue).toBe("done");
    expect(await endOf(first)).toBe("completed: done");
  },

  "many may await one run, and all are told": async (lab) => {
    await lab.start("async () => createHook({ token: 'one' })", [], { id: "one" });
    const awaiting = lab.flow("awaiting", "async (n) => [n, await getRun('one').returnValue]");
    const runs = await Promise.all(Array.from({ length: 20 }, async (_, n) => lab.start(awaiting, [n])));
    for (const run of runs) await lab.waits(run, "run one");
    await lab.crash();
    await resumeHook("one", "told");
    expect(await Promise.all(runs.map((run) => run.returnValue))).toEqual(runs.map((_, n) => [n, "told"]));
  },
});
