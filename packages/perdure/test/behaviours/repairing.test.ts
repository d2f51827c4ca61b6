/** What operators do about runs whose code was wrong: rewinding, forking, other code. */
import { expect } from "vitest";

import { getRun, listVersions, resumeHook } from "../../src/api/index.ts";
import { findWorkflow } from "../../src/registry.ts";
import { onEveryWorld, type Flow, type Lab } from "../support/behaviours.ts";
import { endOf } from "../support/run-end.ts";

/** A step that fails until it is mended. */
function breakable(lab: Lab, options?: Parameters<Lab["step"]>[2]): { mend(): void } {
  let isMended = false;
  lab.step(
    "ship",
    () => {
      lab.log.push("ship");
      if (!isMended) throw new Error("the carrier is closed");
      return "shipped";
    },
    options ?? { retry: { maxAttempts: 1 } },
  );
  return { mend: () => void (isMended = true) };
}

const order = "async (name) => { await note(`pay ${name}`); const how = await ship(); await note('thank'); return [name, how] }";
const versionOf = (flow: Flow): string => findWorkflow(flow)?.bundle?.version ?? "";

onEveryWorld({
  "a failed run is rewound once its step is mended: what was done before is not done again, the rest is": async (lab) => {
    const step = breakable(lab);
    const run = await lab.start(order, ["Ada"], { id: "order-1" });
    await expect(run.returnValue).rejects.toMatchObject({ code: "RUN_FAILED" });
    step.mend();
    const { kept, copy } = await run.rewind();
    expect(await run.returnValue).toEqual(["Ada", "shipped"]);
    expect(lab.log).toEqual(["pay Ada", "ship", "ship", "thank"]);
    expect(kept).toBe(2);
    expect(await lab.history(run)).toEqual(["run_started", "step_completed note#1", "step_completed ship#1", "step_completed note#2"]);
    // Nothing is lost.
    expect(await getRun(copy).status).toBe("failed");
    expect(await getRun(copy).note).toMatch(/order-1 .*rewound to row 2; Error: the carrier is closed/);
    expect(await lab.history({ runId: copy })).toEqual(["run_started", "step_completed note#1", "step_failed ship#1"]);
    await expect(getRun(copy).returnValue).rejects.toMatchObject({ code: "RUN_FAILED" });
  },
  "a run that failed by its workflow's code goes on with other code from the turn that failed": async (lab) => {
    const code = (last: string): string =>
      `async () => { const text = await note('one'); await note('two'); ${last}; return text.toUpperCase() }`;
    const run = await lab.start(lab.flow("order", code("null.wrong")));
    await expect(run.returnValue).rejects.toMatchObject({ code: "RUN_FAILED" });
    const mended = lab.flow("order", code("await note('three')"));
    await run.rewind({ version: mended });
    expect(await run.returnValue).toBe("ONE");
    expect(lab.log).toEqual(["one", "two", "three"]);
    expect((await lab.world.query.run({ id: run.runId }))?.version).toBe(versionOf(mended));
  },
  "a run is forked from a step, by its name or its operation, with other code and arguments": async (lab) => {
    const code = (last: string): string => `async (name) => { await note('one'); await note('two'); return note(name + ${last}) }`;
    const run = await lab.start(lab.flow("order", code("' old'")), ["Ada"]);
    expect(await run.returnValue).toBe("Ada old");
    const other = lab.flow("order", code("' new'"));
    const [, , second] = await lab.history(run);
    expect(second).toBe("step_completed note#2");
    const events = [];
    for await (const event of run.events()) events.push(event);
    const { operation = "" } = events[2]!;
    const fork = await run.fork({ to: { step: operation }, version: other, args: ["Grace"] });
    expect(await fork.returnValue).toBe("Grace new");
    expect(lab.log).toEqual(["one", "two", "Ada old", "two", "Grace new"]);
    const whole = await run.fork({ to: { step: "note" } });
    expect(await whole.returnValue).toBe("Ada old");
    expect(lab.log.slice(5)).toEqual(["one", "two", "Ada old"]);
    const wrong = {
      code: "INVALID_ARGUMENT",
      message: expect.stringContaining('The run has not called a step "ship"; it has called note.') as string,
    };
    await expect(run.fork({ to: { step: "ship" } })).rejects.toMatchObject(wrong);
    await expect(run.fork({ to: {} as { step: string } })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  },
  "a step that failed for good has all of its attempts again": async (lab) => {
    breakable(lab, { retry: { maxAttempts: 2, initialDelay: 1, jitter: 0 } });
    const run = await lab.start(order, ["Ada"]);
    await expect(run.returnValue).rejects.toMatchObject({ code: "RUN_FAILED" });
    const attempts = lab.log.filter((line) => line === "ship").length;
    await run.rewind();
    await expect(run.returnValue).rejects.toMatchObject({ code: "RUN_FAILED" });
    expect(lab.log.filter((line) => line === "ship")).toHaveLength(2 * attempts);
  },
  "results of steps that were under way when another one failed are kept when the failure is taken back": async (lab) => {
    const step = breakable(lab);
    const run = await lab.start(
      "async () => { const all = await Promise.allSettled([ship(), note('a').then(() => note('b'))]); if (all[0].reason) throw all[0].reason; return all.map(({ value }) => value) }",
    );
    await endOf(run);
    const rows = await lab.history(run);
    step.mend();
    // (Where the second note was called after the failure, that might have been to undo something.)
    const isAmbiguous = rows.indexOf("step_failed ship#1") < rows.indexOf("step_completed note#1");
    if (isAmbiguous) await expect(run.rewind()).rejects.toMatchObject({ code: "REPAIR_REFUSED" });
    await run.rewind(isAmbiguous ? { to: 1 } : {});
    expect(await run.returnValue).toEqual(["shipped", "b"]);
    expect(lab.log.filter((line) => line === "b")).toHaveLength(isAmbiguous ? 2 : 1);
  },
  "a step that may be called only once is called once more when its failure is taken back": async (lab) => {
    const step = breakable(lab, { atMostOnce: true });
    const run = await lab.start(order, ["Ada"]);
    await expect(run.returnValue).rejects.toMatchObject({ code: "RUN_FAILED" });
    step.mend();
    await run.rewind();
    expect(await run.returnValue).toEqual(["Ada", "shipped"]);
    expect(lab.log).toEqual(["pay Ada", "ship", "ship", "thank"]);
  },
  "a run is rewound to any row, and a process that crashes then leaves it to another one": async (lab) => {
    const step = breakable(lab);
    const run = await lab.start("async () => { await note('a'); await note('b'); await ship(); return stuck('c') }");
    await expect(run.returnValue).rejects.toMatchObject({ code: "RUN_FAILED" });
    step.mend();
    expect((await run.rewind({ to: 2 })).kept).toBe(2);
    await lab.logged("stuck c");
    await lab.crash();
    expect(await getRun(run.runId).returnValue).toBe("c");
    expect(lab.log).toEqual(["a", "b", "ship", "b", "ship", "stuck c", "stuck c"]);
  },
  "a run that is open is rewound under the hand of the process that executes it": async (lab) => {
    const run = await lab.start("async () => { await note('a'); await note('b'); await createHook({ token: 'go' }); return note('c') }");
    await lab.waits(run, "waits for hook go");
    await run.rewind({ to: 2 });
    await lab.logged("b");
    await expect.poll(() => lab.log).toEqual(["a", "b", "b"]);
    await expect.poll(() => resumeHook("go", 1).catch(() => null)).not.toBeNull();
    expect(await run.returnValue).toBe("c");
  },
  "a hook that was open where a run is cut is held again, and what it had received behind comes again": async (lab) => {
    const step = breakable(lab);
    const run = await lab.start(
      "async () => { const hook = createHook({ token: 'address' }); await note('ask'); const to = await hook; await ship(); return to }",
    );
    await lab.logged("ask");
    await resumeHook("address", "London");
    await expect(run.returnValue).rejects.toMatchObject({ code: "RUN_FAILED" });
    step.mend();
    const rows = await lab.history(run);
    await run.rewind({ to: rows.findIndex((row) => row.startsWith("hook_received")) });
    expect(await run.returnValue).toBe("London");
  },
  "a cancelled run is rewound to before it was asked to end, and can be asked again": async (lab) => {
    const run = await lab.start("async () => { await note('a'); await createHook({ token: 'go' }); return note('b') }");
    await lab.waits(run, "waits for hook go");
    await run.cancel();
    await expect(run.returnValue).rejects.toMatchObject({ code: "RUN_CANCELLED" });
    await run.rewind();
    await lab.waits(run, "waits for hook go");
    await expect.poll(() => lab.world.query.hook("go")).not.toBeNull();
    await run.cancel();
    await expect(run.returnValue).rejects.toMatchObject({ code: "RUN_CANCELLED" });
    await run.rewind();
    await expect.poll(() => resumeHook("go", 1).catch(() => null)).not.toBeNull();
    expect(await run.returnValue).toBe("b");
    expect(lab.log).toEqual(["a", "b"]);
  },
  "a parent that failed by its child awaits it again once the child is mended": async (lab) => {
    const step = breakable(lab);
    lab.flow("child", "async () => ship()");
    const parent = await lab.start(
      "async () => { await note('first'); const run = await start(child, [], { id: 'child' }); return ['got', await run.returnValue] }",
    );
    await expect(parent.returnValue).rejects.toMatchObject({ code: "RUN_FAILED" });
    step.mend();
    await getRun("child").rewind();
    await parent.rewind();
    expect(await parent.returnValue).toEqual(["got", "shipped"]);
    expect(lab.log).toEqual(["first", "ship", "ship"]);
  },
  "of two who rewind a run at once one does, and the other is told": async (lab) => {
    const step = breakable(lab);
    const run = await lab.start(order, ["Ada"]);
    await expect(run.returnValue).rejects.toMatchObject({ code: "RUN_FAILED" });
    step.mend();
    const outcomes = await Promise.allSettled([run.rewind(), run.rewind(), getRun(run.runId).rewind()]);
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    for (const outcome of outcomes)
      if (outcome.status === "rejected") expect(["RUN_CHANGED", "REPAIR_REFUSED"]).toContain(outcome.reason.code);
    expect(await run.returnValue).toEqual(["Ada", "shipped"]);
    expect(lab.log).toEqual(["pay Ada", "ship", "ship", "thank"]);
  },
  "a rewind that cannot be right is refused, and changes nothing": async (lab) => {
    breakable(lab);
    const done = await lab.start("async () => note('done')");
    await done.returnValue;
    await expect(done.rewind({ to: 1 })).rejects.toMatchObject({ code: "REPAIR_REFUSED", message: expect.stringContaining("fork it") });
    const undone = await lab.start("async () => { try { await ship() } catch (error) { await note('undo'); throw error } }");
    await endOf(undone);
    await expect(undone.rewind()).rejects.toMatchObject({ code: "REPAIR_REFUSED", message: expect.stringContaining("may have undone") });
    await expect(undone.rewind({ to: 9 })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    await expect(undone.rewind({ to: 3 })).rejects.toMatchObject({
      code: "REPAIR_REFUSED",
      message: expect.stringContaining("the run's end"),
    });
    await expect(undone.rewind({ to: 1, version: "0".repeat(64) })).rejects.toMatchObject({ code: "VERSION_NOT_FOUND" });
    await expect(undone.rewind({ to: 1, version: lab.flow("other", "async () => 1") })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    await expect(getRun("nobody").rewind()).rejects.toMatchObject({ code: "RUN_NOT_FOUND" });
    expect(await undone.status).toBe("failed");
    lab.flow("sleeper", "async () => createHook({ token: 'never' })");
    const parent = await lab.start(
      "async () => { const run = await start(sleeper, []); await note('started'); await ship(); return run.returnValue }",
    );
    await endOf(parent);
    const [child] = (await lab.world.query.runs({ parent: parent.runId })).runs;
    if (child?.status === "running") await expect.poll(() => getRun(child.id).status).toBe("cancelled");
  },
  "children that the rows to go have started must have ended": async (lab) => {
    lab.flow("sleeper", "async () => createHook({ token: 'child' })");
    const parent = await lab.start(
      "async () => { const run = await start(sleeper, []); await note('started'); return [await note('again'), await run.returnValue] }",
    );
    await lab.logged("again");
    const [child] = (await lab.world.query.runs({ parent: parent.runId })).runs;
    await expect(parent.rewind({ to: 0 })).rejects.toMatchObject({ code: "REPAIR_REFUSED", message: expect.stringContaining(child!.id) });
    await parent.rewind({ to: 1 });
    await expect.poll(() => resumeHook("child", "done").catch(() => null)).not.toBeNull();
    expect(await parent.returnValue).toEqual(["again", "done"]);
    expect(lab.log.filter((line) => line === "started")).toHaveLength(2);
  },
  "a fork has the first rows of a run that it need not execute, and leaves that as it is": async (lab) => {
    const run = await lab.start("async (name) => { await note(`pay ${name}`); await note('pack'); return note(`ship to ${name}`) }", [
      "Ada",
    ]);
    await run.returnValue;
    const fork = await run.fork({ to: 3, id: "fork", args: ["Grace"] });
    expect(await fork.returnValue).toBe("ship to Grace");
    expect(lab.log).toEqual(["pay Ada", "pack", "ship to Ada", "ship to Grace"]);
    expect([fork.runId, await run.status, await run.returnValue]).toEqual(["fork", "completed", "ship to Ada"]);
    expect((await lab.history(fork)).length).toBe(4);
    await expect(run.fork({ to: 1, id: "fork" })).rejects.toMatchObject({ code: "RUN_ALREADY_EXISTS" });
    await expect(run.fork()).rejects.toMatchObject({ code: "REPAIR_REFUSED" });
    await expect(run.fork({ to: 4 })).rejects.toMatchObject({ code: "REPAIR_REFUSED" });
  },
  "a fork of a failed run goes on with other code from before the row on which it failed": async (lab) => {
    const run = await lab.start(lab.flow("order", "async () => { await note('one'); await note('two'); null.wrong }"));
    await endOf(run);
    const fork = await run.fork({
      version: lab.flow("order", "async () => { await note('one'); await note('two'); return note('three') }"),
    });
    expect(await fork.returnValue).toBe("three");
    // What a row of a fork brings is made anew.
    expect(lab.log).toEqual(["one", "two", "two", "three"]);
    expect(await run.status).toBe("failed");
  },
  "a fork repeats the chance of the rows that it has, and has its own behind, on every replay": async (lab) => {
    const run = await lab.start(
      "async () => { const before = [Math.random(), crypto.randomUUID()]; await note('a'); const after = [Math.random(), crypto.randomUUID()]; const hook = createHook(); await stuck('s'); return { before, after, token: hook.token } }",
    );
    await lab.logged("stuck s");
    await lab.crash();
    type Drawn = Record<"before" | "after" | "token", unknown>;
    const first = (await getRun(run.runId).returnValue) as Drawn;
    const fork = await getRun(run.runId).fork({ to: 1 });
    const second = (await fork.returnValue) as Drawn;
    const third = (await (await fork.fork({ to: 2 })).returnValue) as Drawn;
    expect(second.before).toEqual(first.before);
    expect(second.after).not.toEqual(first.after);
    expect(second.token).not.toEqual(first.token);
    // Behind its second row the fork had drawn nothing more.
    expect([third.before, third.after, third.token]).toEqual([second.before, second.after, second.token]);
    expect(lab.log.filter((line) => line === "a")).toHaveLength(2);
  },
  "a fork that crashes is replayed with both of its seeds": async (lab) => {
    const run = await lab.start(
      "async () => { const one = Math.random(); await note('a'); return [one, Math.random(), await stuck('s'), Math.random()] }",
    );
    await lab.logged("stuck s");
    await lab.crash();
    const original = (await getRun(run.runId).returnValue) as number[];
    lab.log.length = 0;
    const fork = await getRun(run.runId).fork({ to: 1 });
    await lab.logged("stuck s");
    const drawn = (await lab.history(fork)).length;
    await lab.crash();
    const forked = (await getRun(fork.runId).returnValue) as number[];
    expect(forked[0]).toBe(original[0]);
    expect(forked[1]).not.toBe(original[1]);
    expect([drawn, lab.log]).toEqual([2, ["a", "stuck s", "stuck s"]]);
    await expect(getRun(fork.runId).rewind({ to: 0 })).rejects.toMatchObject({ code: "REPAIR_REFUSED" });
  },
  "a fork takes over the token of a hook that was open where an ended run is cut, and not that of an open run": async (lab) => {
    const run = await lab.start(
      "async () => { const hook = createHook({ token: 'go' }); await note('a'); return [await hook, await note('b')] }",
    );
    await lab.logged("a");
    await expect(run.fork({ to: 1 })).rejects.toMatchObject({
      code: "REPAIR_REFUSED",
      message: expect.stringContaining("whose token the run has"),
    });
    await resumeHook("go", 1);
    await run.returnValue;
    const fork = await run.fork({ to: 1 });
    await expect.poll(() => resumeHook("go", 2).catch(() => null)).not.toBeNull();
    expect(await fork.returnValue).toEqual([2, "b"]);
  },
  "a run with the wrong code is parked, and goes on once it is given other code": async (lab) => {
    const right = lab.flow("order", "async () => { await note('a'); await createHook({ token: 'go' }); return note('b') }");
    const run = await lab.start(right);
    await lab.waits(run, "waits for hook go");
    const version = versionOf(right);
    await run.repin(lab.flow("order", "async () => { await note('other'); await note('more'); return fail('x') }"));
    await lab.waits(run, "NONDETERMINISM");
    await run.repin(version);
    await lab.waits(run, "waits for hook go");
    await resumeHook("go", 1);
    expect(await run.returnValue).toBe("b");
    expect(lab.log).toEqual(["a", "b"]);
    await expect(run.repin(version)).rejects.toMatchObject({ code: "REPAIR_REFUSED" });
  },
  "open runs get another version while they sleep, and the versions that open runs have are listed": async (lab) => {
    const first = lab.flow("sleeper", "async () => { await note('a'); await sleep('1d'); return 'old' }");
    const runs = [await lab.start(first), await lab.start(first)];
    for (const run of runs) await lab.waits(run, "sleeps until");
    const second = lab.flow("sleeper", "async () => { await note('a'); await sleep('1d'); return 'new' }");
    await runs[0]!.repin(second);
    await lab.waits(runs[0]!, "sleeps until");
    const listed = await listVersions();
    expect(listed.map(({ version, openRuns, isCurrent }) => [version, openRuns, isCurrent]).sort()).toEqual(
      [
        [versionOf(second), 1, true],
        [(await lab.world.query.run({ id: runs[1]!.runId }))!.version, 1, false],
      ].sort(),
    );
    expect(await listVersions({ workflowId: "none" })).toEqual([]);
    for (const run of runs) await run.wakeUp();
    expect(await Promise.all(runs.map((run) => run.returnValue))).toEqual(["new", "old"]);
    expect(lab.log).toEqual(["a", "a"]);
  },
});
