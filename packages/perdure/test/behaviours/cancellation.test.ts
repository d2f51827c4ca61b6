/** Ending runs, as users see it: whom a request reaches, what may still be done, and what is undone. */
import { expect } from "vitest";

import { getRun, resumeHook } from "../../src/api/index.ts";
import { onEveryWorld, setClock, type Lab } from "../support/behaviours.ts";
import { until } from "../support/lab.ts";
import { endOf } from "../support/run-end.ts";

const hanging = "async () => hang('child')";
const orderly = "async () => { try { await hang('child') } catch (error) { await shield(() => note('child cleans up')); throw error } }";

/** A run with an open child, whose id is "child". */
async function startFamily(lab: Lab, child: string, parent: string) {
  lab.flow("child", child);
  const run = await lab.start(parent);
  await lab.logged("begin child");
  return run;
}

onEveryWorld(
  {
    "a child that is cancelled alone is RUN_CANCELLED to its parent, with the reason, and the parent goes on": async (lab) => {
      const parent = await startFamily(
        lab,
        hanging,
        "async () => { const run = await start(child, [], { id: 'child' }); try { await run.returnValue } catch (error) { return [error.code, error.runId, error.cause.cause, await note('goes on')] } }",
      );
      await getRun("child").cancel({ reason: "out of stock" });
      expect(await parent.returnValue).toEqual(["RUN_CANCELLED", "child", "out of stock", "goes on"]);
    },

    "a parent that does not catch its child's cancellation fails; it was not cancelled itself": async (lab) => {
      const parent = await startFamily(lab, hanging, "async () => (await start(child, [], { id: 'child' })).returnValue");
      await getRun("child").cancel({ reason: "alone" });
      expect(await endOf(parent)).toBe('failed: WorkflowRunCancelledError: Run "child" was cancelled.');
    },

    "a parent may cancel one child and keep another": async (lab) => {
      lab.flow("waits", "async (name) => { await note('begin ' + name); return createHook({ token: name }) }");
      const parent = await lab.start(
        `async () => {
        const [a, b] = await Promise.all([start(waits, ["a"], { id: "a" }), start(waits, ["b"], { id: "b" })]);
        await createHook({ token: "choose" });
        await a.cancel({ reason: "b it is" });
        return [await a.returnValue.catch((error) => error.cause.cause), await b.returnValue];
      }`,
      );
      for (const id of ["a", "b"]) await lab.waits(getRun(id), `hook ${id}`);
      await resumeHook("choose");
      expect(await endOf(getRun("a"))).toBe("cancelled: b it is");
      await resumeHook("b", "kept");
      expect(await parent.returnValue).toEqual(["b it is", "kept"]);
    },

    "cancelling a scope cancels the child that was started in it, and nothing around it": async (lab) => {
      const parent = await startFamily(
        lab,
        orderly,
        `async () => {
        const seen = await scope({}, async (inner) => {
          const run = await start(child, [], { id: "child" });
          const over = run.returnValue.catch((error) => error.name + " " + error.cause);
          await createHook({ token: "enough" });
          inner.cancel("enough");
          return over;
        });
        return [seen, await note("around it")];
      }`,
      );
      await lab.waits(parent, "hook enough");
      await resumeHook("enough");
      expect(await parent.returnValue).toEqual(["CancelledError enough", "around it"]);
      expect(await endOf(getRun("child"))).toBe("cancelled: enough");
      expect(lab.log).toContain("child cleans up");
    },

    "a parent may wait, behind a shield, until its cancelled child has cleaned up": async (lab) => {
      const parent = await startFamily(
        lab,
        orderly,
        `async () => {
        const run = await start(child, [], { id: "child" });
        try { await run.returnValue } catch (error) { await shield(() => getRun("child").returnValue.catch((end) => note("parent saw " + end.code))); throw error }
      }`,
      );
      await parent.cancel({ reason: "stop" });
      expect(await endOf(parent)).toBe("cancelled: stop");
      expect(lab.log.filter((line) => line !== "told child")).toEqual(["begin child", "child cleans up", "parent saw RUN_CANCELLED"]);
    },

    "cancelling reaches grandchildren, each of which may clean up": async (lab) => {
      lab.flow(
        "grandchild",
        "async () => { try { await hang('child') } catch (error) { await shield(() => note('grandchild cleans up')); throw error } }",
      );
      const parent = await startFamily(
        lab,
        "async () => (await start(grandchild, [], { id: 'grandchild' })).returnValue",
        "async () => (await start(child, [], { id: 'child' })).returnValue",
      );
      await parent.cancel({ reason: "all" });
      expect(await Promise.all([parent, getRun("child"), getRun("grandchild")].map(endOf))).toEqual(
        Array.from({ length: 3 }, () => "cancelled: all"),
      );
      expect(lab.log).toContain("grandchild cleans up");
    },

    "a parent that completes asks a child that is still open to end": async (lab) => {
      const parent = await startFamily(
        lab,
        orderly,
        "async () => { await start(child, [], { id: 'child' }); await createHook({ token: 'leave' }); return 'left' }",
      );
      await lab.waits(parent, "hook leave");
      await resumeHook("leave");
      expect(await endOf(parent)).toBe("completed: left");
      expect(await endOf(getRun("child"))).toBe("cancelled: the run that started it has ended");
      expect(lab.log).toContain("child cleans up");
    },

    "a parent that fails asks all its open children to end, and those that are over stay as they are": async (lab) => {
      lab.flow("quick", "async () => 'quick'");
      lab.flow("slow", "async () => createHook()");
      const parent = await lab.start(
        `async () => {
        const first = await start(quick, [], { id: "first" });
        await first.returnValue;
        for (let n = 0; n < 5; n++) await start(slow, [], { id: "slow-" + n });
        throw new Error("no use");
      }`,
      );
      expect(await endOf(parent)).toBe("failed: Error: no use");
      const ends = await Promise.all(["first", ...Array.from({ length: 5 }, (_, n) => `slow-${n}`)].map(async (id) => endOf(getRun(id))));
      expect(ends).toEqual(["completed: quick", ...Array.from({ length: 5 }, () => "cancelled: the run that started it has ended")]);
    },

    "terminating a parent ends it at once, and asks its child to end": async (lab) => {
      const parent = await startFamily(
        lab,
        orderly,
        "async () => { try { return await (await start(child, [], { id: 'child' })).returnValue } finally { await shield(() => note('parent cleans up')) } }",
      );
      expect(await parent.terminate({ reason: "now" })).toBe("ended");
      expect(await endOf(parent)).toBe("cancelled: now");
      expect(await endOf(getRun("child"))).toBe("cancelled: the run that started it has ended");
      expect(lab.log).toContain("child cleans up");
      expect(lab.log).not.toContain("parent cleans up");
    },

    "what began behind a shield ends, and the first call after it is refused": async (lab) => {
      const run = await lab.start(
        "async () => { await shield(async () => { await note('paying'); await createHook({ token: 'paid' }); await note('paid') }); await note('shipped') }",
      );
      await lab.waits(run, "hook paid");
      await run.cancel({ reason: "changed my mind" });
      await until(async () => (await lab.history(run)).includes("cancel_requested"), "the run is told");
      await resumeHook("paid");
      expect(await endOf(run)).toBe("cancelled: changed my mind");
      expect(lab.log).toEqual(["paying", "paid"]);
    },

    "the first reason counts, and asking again changes nothing": async (lab) => {
      const run = await lab.start(
        "async () => { try { await createHook() } catch (error) { await shield(() => createHook({ token: 'clean' })); throw error } }",
      );
      await lab.waits(run, "hook");
      expect(await run.cancel({ reason: "first" })).toBe("requested");
      await lab.waits(run, "hook clean");
      expect(await run.cancel({ reason: "second" })).toBe("requested");
      await resumeHook("clean");
      expect(await endOf(run)).toBe("cancelled: first");
      expect(await run.cancel({ reason: "third" })).toBe("ended");
    },

    "a run that is over cannot be cancelled, and keeps its result": async (lab) => {
      const run = await lab.start("async () => 'result'");
      expect(await endOf(run)).toBe("completed: result");
      expect(await run.cancel()).toBe("ended");
      expect(await run.terminate()).toBe("ended");
      expect([await endOf(run), await run.status]).toEqual(["completed: result", "completed"]);
    },

    "a run whose start was put off can be cancelled, and does nothing": async (lab) => {
      const run = await lab.start("async () => note('never')", [], { startAt: "1h" });
      expect(await run.cancel({ reason: "in time" })).toBe("requested");
      expect(await endOf(run)).toBe("cancelled: in time");
      expect(lab.log).toEqual([]);
    },

    "a request to end that comes while no process is there is heard by the next one": async (lab) => {
      const run = await lab.start("async () => { try { await createHook() } finally { await shield(() => note('cleaned up')) } }");
      await lab.waits(run, "hook");
      await lab.shutDown();
      expect(await run.cancel({ reason: "offline" })).toBe("requested");
      await lab.boot();
      expect(await endOf(run)).toBe("cancelled: offline");
      expect(lab.log).toEqual(["cleaned up"]);
    },

    "cleaning up goes on in another process when the first one crashes in the middle of it": async (lab) => {
      const run = await lab.start(
        "async () => { try { await hang('work') } finally { await shield(async () => { await note('one'); await stuck('two'); await note('three') }) } }",
      );
      await lab.logged("begin work");
      await run.cancel({ reason: "stop" });
      await lab.logged("stuck two");
      await lab.crash();
      expect(await endOf(run)).toBe("cancelled: stop");
      expect(lab.log.filter((line) => !line.includes("work"))).toEqual(["one", "stuck two", "stuck two", "three"]);
    },

    "a step that does not listen to its signal does not hold up the end of its run": async (lab) => {
      const run = await lab.start("async () => stuck('deaf')");
      await lab.logged("stuck deaf");
      await run.cancel({ reason: "enough" });
      expect(await endOf(run)).toBe("cancelled: enough");
    },

    "a run whose code does not listen is ended by terminate": async (lab) => {
      const run = await lab.start("async () => { for (;;) await shield(() => sleep('1h')) }");
      await lab.waits(run, "sleep");
      await run.cancel();
      await until(async () => (await lab.history(run)).includes("cancel_requested"), "the run is told");
      expect(await run.status).toBe("running");
      expect(await run.terminate({ reason: "deaf" })).toBe("ended");
      expect([await endOf(run), await run.status]).toEqual(["cancelled: deaf", "cancelled"]);
    },

    "a run past its deadline is asked to end, with a TimeoutError as the reason, and may clean up": async (lab) => {
      const run = await lab.start("async () => { try { await sleep('1h') } finally { await shield(() => note('cleaned up')) } }", [], {
        deadline: 30,
      });
      const error = (await run.returnValue.catch((thrown: unknown) => thrown)) as { code: string; cause: { cause: Error } };
      expect([error.code, error.cause.cause.name]).toEqual(["RUN_CANCELLED", "TimeoutError"]);
      expect(lab.log).toEqual(["cleaned up"]);
    },

    "a deadline that passes while no process is there is heard by the next one": async (lab) => {
      const run = await lab.start("async () => sleep('9h')", [], { deadline: "1h" });
      await lab.waits(run, "sleep");
      await lab.shutDown();
      setClock(2 * 3_600_000);
      await lab.boot();
      expect(await endOf(run)).toMatch(/^cancelled: TimeoutError: /);
    },

    "a run whose deadline has passed before it begins ends without doing anything": async (lab) => {
      const code = lab.flow("late", "async () => { await note('one'); await sleep('1h') }");
      const run = await lab.start(code, [], { deadline: new Date(0) });
      expect(await endOf(run)).toMatch(/^cancelled: TimeoutError: /);
      const later = await lab.start(code, [], { deadline: "1h", startAt: "2h" });
      await lab.shutDown();
      setClock(3 * 3_600_000);
      await lab.boot();
      expect(await endOf(later)).toMatch(/^cancelled: TimeoutError: /);
      expect(lab.log).toEqual([]);
    },

    "a child with a deadline of its own is RUN_CANCELLED to its parent, for a TimeoutError": async (lab) => {
      lab.flow("child", hanging);
      const parent = await lab.start(
        "async () => { const run = await start(child, [], { deadline: 40 }); return run.returnValue.catch((error) => [error.code, error.cause.cause.code]) }",
      );
      expect(await parent.returnValue).toEqual(["RUN_CANCELLED", "TIMED_OUT"]);
    },

    "a spawned child is given up with its reason": async (lab) => {
      const parent = await startFamily(
        lab,
        hanging,
        "async () => { const one = spawn(child, [], { id: 'child' }); await createHook({ token: 'on' }); one.cancel('not needed'); return one.result.catch((error) => error.cause) }",
      );
      await lab.waits(parent, "hook on");
      await resumeHook("on");
      expect(await parent.returnValue).toBe("not needed");
      expect(await endOf(getRun("child"))).toBe("cancelled: not needed");
    },

    "a saga undoes its steps in reverse order when one fails": async (lab) => {
      const run = await lab.start(
        "async () => saga(async (compensate) => { for (const x of ['room', 'flight', 'car']) { await note(x); compensate(() => note('undo ' + x)) } await fail('card') })",
      );
      expect(await endOf(run)).toBe("failed: FatalError: card");
      expect(lab.log).toEqual(["room", "flight", "car", "card", "undo car", "undo flight", "undo room"]);
    },

    "a saga is undone when its run is cancelled, also when the process crashes while it undoes": async (lab) => {
      const run = await lab.start(
        `async () => saga(async (compensate) => {
        await note("room");
        compensate(() => note("undo room"));
        await note("flight");
        compensate(() => stuck("undo flight"));
        await hang("car");
      })`,
      );
      await lab.logged("begin car");
      await run.cancel({ reason: "rain" });
      await lab.logged("stuck undo flight");
      await lab.crash();
      expect(await endOf(run)).toBe("cancelled: rain");
      expect(lab.log.filter((line) => !line.includes("car"))).toEqual([
        "room",
        "flight",
        "stuck undo flight",
        "stuck undo flight",
        "undo room",
      ]);
    },

    "a compensation that fails does not stop the others, and the run fails with all of it": async (lab) => {
      const run = await lab.start(
        "async () => saga(async (compensate) => { compensate(() => note('undo a')); compensate(() => fail('undo b')); await fail('c') })",
      );
      const error = (await run.returnValue.catch((thrown: unknown) => thrown)) as { cause: AggregateError };
      expect(error.cause).toBeInstanceOf(AggregateError);
      expect([error.cause.errors.map(String), String(error.cause.cause)]).toEqual([["FatalError: undo b"], "FatalError: c"]);
      expect(lab.log).toEqual(["c", "undo b", "undo a"]);
    },

    "a run that is replaced asks its children to end, as one that is terminated does": async (lab) => {
      lab.flow("child", orderly);
      const parent = lab.flow("parent", "async () => (await start(child, [], { id: 'child' })).returnValue");
      const quick = lab.flow("quick", "async () => 'quick'");
      await lab.start(parent, [], { id: "family" });
      await lab.logged("begin child");
      expect(await (await lab.start(quick, [], { id: "family", ifExists: "replace" })).returnValue).toBe("quick");
      expect(await endOf(getRun("child"))).toBe("cancelled: the run that started it has ended");
      expect(lab.log).toContain("child cleans up");
    },

    "a payload that came before the request to end is seen by the workflow before it": async (lab) => {
      const run = await lab.start(
        "async () => { const hook = createHook({ token: 'order' }); const first = await hook; try { return await hook } catch (error) { await shield(() => note(first + ', then ' + error.name)); throw error } }",
      );
      await lab.waits(run, "hook order");
      await lab.shutDown();
      await resumeHook("order", "paid");
      await run.cancel({ reason: "after that" });
      await lab.boot();
      expect(await endOf(run)).toBe("cancelled: after that");
      expect(lab.log).toEqual(["paid, then CancelledError"]);
    },

    "the signal of a cancelled run is aborted in its workflow, before and after a crash": async (lab) => {
      const run = await lab.start(
        `async () => {
        const { signal } = __perdure.getWorkflowMetadata();
        let told = 0;
        signal.addEventListener("abort", () => told++);
        try { await hang("work") } catch { return await shield(async () => { await stuck("cleaning"); return [told, signal.aborted, signal.reason.cause] }) }
      }`,
      );
      await lab.logged("begin work");
      await run.cancel({ reason: "why" });
      await lab.logged("stuck cleaning");
      await lab.crash();
      expect(await run.returnValue).toEqual([1, true, "why"]);
    },

    "a scope that was cancelled stays cancelled in another process, and what is around it goes on": async (lab) => {
      const run = await lab.start(
        `async () => {
        const inner = await scope({}, async (own) => { const slow = hang("inner").catch((error) => error.cause); await note("begun"); own.cancel("enough"); return slow });
        return [inner, await stuck("outer")];
      }`,
      );
      await lab.logged("stuck outer");
      await lab.crash();
      expect(await run.returnValue).toEqual(["enough", "outer"]);
      expect(lab.log.filter((line) => line === "begin inner").length).toBeLessThanOrEqual(1);
    },
  },
  {
    // A commit does not say which runs the runs that it starts have replaced, so that nobody asks their children to end.
    "a run that is replaced by a child of another one asks its children to end": async (lab) => {
      lab.flow("child", "async () => createHook({ token: 'child' })");
      const parent = lab.flow("parent", "async () => (await start(child, [], { id: 'child' })).returnValue");
      lab.flow("quick", "async () => 'quick'");
      const first = await lab.start(parent, [], { id: "family" });
      await lab.waits(first, "run ");
      await lab.waits(getRun("child"), "hook child");
      const other = await lab.start("async () => (await start(quick, [], { id: 'family', ifExists: 'replace' })).returnValue");
      expect(await other.returnValue).toBe("quick");
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(await lab.history(getRun("child"))).toContain("cancel_requested");
    },
  },
);
