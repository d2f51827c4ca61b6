/** How steps are tried, as users see it. */
import { expect } from "vitest";

import { FatalError, getStepMetadata, heartbeat, RetryableError } from "../../src/index.ts";
import { onEveryWorld, setClock, type Lab } from "../support/behaviours.ts";
import { until } from "../support/lab.ts";

/** A step that fails in all its attempts but the last; returns the attempts that it has seen. */
function failing(lab: Lab, until: number, options?: Parameters<Lab["step"]>[2]): number[] {
  const attempts: number[] = [];
  lab.step(
    "charge",
    () => {
      const { attempt } = getStepMetadata();
      attempts.push(attempt);
      if (attempt < until) throw new RangeError(`attempt ${attempt}`);
      return `charged at ${attempt}`;
    },
    options,
  );
  return attempts;
}

const soon = { initialDelay: 1 };

onEveryWorld({
  "a step that fails is tried again until it succeeds": async (lab) => {
    const attempts = failing(lab, 3, { retry: soon });
    const run = await lab.start("async () => charge()");
    expect(await run.returnValue).toBe("charged at 3");
    expect(attempts).toEqual([1, 2, 3]);
    expect(await lab.history(run)).toEqual(["run_started", "step_retrying charge#1", "step_retrying charge#1", "step_completed charge#1"]);
  },

  "a step that has used up its attempts throws its last error where it was called": async (lab) => {
    failing(lab, 9, { retry: { ...soon, maxAttempts: 2 } });
    const run = await lab.start(
      "async () => { try { await charge() } catch (error) { return [error instanceof RangeError, error.message] } }",
    );
    expect(await run.returnValue).toEqual([true, "attempt 2"]);
  },

  "an error that the workflow does not catch is what its caller gets, with its class, cause and properties": async (lab) => {
    lab.step("charge", () => {
      throw Object.assign(new FatalError("declined", { cause: new TypeError("no card") }), { declineCode: 51 });
    });
    const run = await lab.start("async () => charge()");
    const error = (await run.returnValue.catch((thrown: unknown) => thrown)) as { cause: Error };
    expect(error).toMatchObject({
      code: "RUN_FAILED",
      runId: run.runId,
      cause: { name: "FatalError", message: "declined", declineCode: 51 },
    });
    expect(FatalError.is(error.cause)).toBe(true);
    expect(error.cause.cause).toBeInstanceOf(TypeError);
  },

  "a FatalError is not tried again, whatever the policy says": async (lab) => {
    const run = await lab.start("async () => { try { await fail('no') } catch (error) { return FatalError.is(error) } }");
    expect(await run.returnValue).toBe(true);
    expect(lab.log).toEqual(["no"]);
  },

  "a RetryableError names the time of the next attempt, whatever the pause would have been": async (lab) => {
    lab.step(
      "charge",
      () => {
        if (getStepMetadata().attempt === 1) throw new RetryableError("busy", { retryAfter: new Date(Date.now() + 5) });
        return "charged";
      },
      { retry: { initialDelay: "1h" } },
    );
    expect(await (await lab.start("async () => charge()")).returnValue).toBe("charged");
  },

  "a step's retryIf decides about errors one by one": async (lab) => {
    const attempts = failing(lab, 9, { retry: { initialDelay: "1h", retryIf: (error) => (error as Error).message !== "attempt 3" && 1 } });
    const run = await lab.start("async () => { try { await charge() } catch (error) { return error.message } }");
    expect(await run.returnValue).toBe("attempt 3");
    expect(attempts).toEqual([1, 2, 3]);
  },

  "options of a call win over those of the step, and what the call leaves out is as the step says": async (lab) => {
    const attempts = failing(lab, 9, { retry: { initialDelay: 1, maxAttempts: 9 }, timeout: "1h" });
    const run = await lab.start("async () => withOptions(charge, { retry: { maxAttempts: 2 } })().catch((error) => error.message)");
    expect(await run.returnValue).toBe("attempt 2");
    expect(attempts).toEqual([1, 2]);
  },

  "an attempt that takes too long is told so, and the next one begins": async (lab) => {
    const told: unknown[] = [];
    lab.step("charge", async () => {
      const { attempt, signal } = getStepMetadata();
      if (attempt === 2) return "in time";
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      told.push((signal.reason as { code: string }).code);
      return "too late";
    });
    const run = await lab.start("async () => withOptions(charge, { timeout: 20, retry: { initialDelay: 1 } })()");
    expect(await run.returnValue).toBe("in time");
    await until(() => told.length === 1, "the first attempt is told");
    expect(told).toEqual(["TIMED_OUT"]);
  },

  "a step whose attempts all take too long fails with a TimeoutError": async (lab) => {
    const run = await lab.start(
      "async () => { try { await withOptions(hang, { timeout: 10, retry: { maxAttempts: 2, initialDelay: 1 } })('slow') } catch (error) { return [TimeoutError.is(error), error.code] } }",
    );
    expect(await run.returnValue).toEqual([true, "TIMED_OUT"]);
    expect(lab.log.filter((line) => line === "begin slow")).toHaveLength(2);
  },

  "no attempt begins after the deadline of the call, and the last error says why it failed": async (lab) => {
    const attempts = failing(lab, 9, { retry: { initialDelay: "1h" } });
    const run = await lab.start("async () => withOptions(charge, { deadline: '10m' })().catch((error) => error.message)");
    expect(await run.returnValue).toBe("attempt 1");
    expect(attempts).toEqual([1]);
  },

  "attempts are counted on when the process crashes during the pause between two": async (lab) => {
    const attempts = failing(lab, 3, { retry: { initialDelay: 100, factor: 1 } });
    const run = await lab.start("async () => charge()");
    await until(async () => (await lab.history(run)).includes("step_retrying charge#1"), "the first attempt has failed");
    await lab.crash();
    expect(await run.returnValue).toBe("charged at 3");
    expect(attempts.filter((attempt) => attempt === 1)).toHaveLength(1);
    expect([...new Set(attempts)]).toEqual([1, 2, 3]);
  },

  "the time of the next attempt stays as it was when the process crashes before it": async (lab) => {
    failing(lab, 2, { retry: { initialDelay: "1h" } });
    const run = await lab.start("async () => charge()");
    await lab.waits(run, "attempt 2 of");
    const before = await lab.world.query.run({ id: run.runId });
    await lab.crash();
    expect(before?.dueAt).toBeGreaterThan(Date.now() + 3_000_000);
    expect(await lab.world.query.run({ id: run.runId })).toMatchObject({ dueAt: before?.dueAt, note: before?.note });
  },

  "a step that was under way when the process crashed is tried again, with the same idempotency key": async (lab) => {
    const ids: string[] = [];
    lab.step("charge", async () => {
      ids.push(getStepMetadata().stepId);
      if (ids.length === 1) await new Promise(() => undefined);
      return "charged";
    });
    const run = await lab.start("async () => charge()");
    await until(() => ids.length === 1, "the first attempt");
    await lab.crash();
    expect(await run.returnValue).toBe("charged");
    expect(ids).toHaveLength(2);
    expect(ids[1]).toBe(ids[0]);
  },

  "a step that is tried at most once is not begun again after a crash, and says that nobody knows": async (lab) => {
    const run = await lab.start("async () => withOptions(stuck, { atMostOnce: true })('transfer').catch((error) => error.code)");
    await lab.logged("stuck transfer");
    await lab.crash();
    expect(await run.returnValue).toBe("STEP_INTERRUPTED");
    expect(lab.log).toEqual(["stuck transfer"]);
  },

  "steps whose results are durable are not repeated after a crash, in whatever order they ended": async (lab) => {
    const run = await lab.start(
      `async () => {
        const first = await note("first");
        const parallel = await Promise.all([note("a"), stuck("b"), note("c")]);
        return [first, ...parallel, await note("last")];
      }`,
    );
    await lab.logged("stuck b");
    await until(async () => (await lab.history(run)).length === 4, "a and c are durable");
    await lab.crash();
    expect(await run.returnValue).toEqual(["first", "a", "b", "c", "last"]);
    expect(lab.log).toEqual(["first", "a", "stuck b", "c", "stuck b", "last"]);
  },

  "a process that ends in order hands its runs to the next one, which repeats nothing": async (lab) => {
    const run = await lab.start(
      "async () => { await note('one'); await sleep(30); await note('two'); await stuck('three'); return note('four') }",
    );
    await lab.logged("stuck three");
    await lab.shutDown();
    await lab.boot();
    expect(await run.returnValue).toBe("four");
    expect(lab.log).toEqual(["one", "two", "stuck three", "stuck three", "four"]);
  },

  "a long step finds its progress after a crash and goes on from there": async (lab) => {
    const seen: unknown[] = [];
    lab.step("migrate", async () => {
      const { progress } = getStepMetadata();
      seen.push(progress);
      if (progress !== undefined) return `went on at ${JSON.stringify(progress)}`;
      heartbeat({ row: 7 });
      await new Promise(() => undefined);
    });
    const run = await lab.start("async () => migrate()");
    await until(async () => (await lab.history(run)).includes("step_progress migrate#1"), "the progress is durable");
    await lab.crash();
    expect(await run.returnValue).toBe('went on at {"row":7}');
    expect(seen).toEqual([undefined, { row: 7 }]);
  },

  "a hundred steps at once give their results in the order of the calls, and a crash repeats only those without one": async (lab) => {
    const calls = new Map<number, number>();
    lab.step("square", async (n: number) => {
      calls.set(n, (calls.get(n) ?? 0) + 1);
      if (n % 2 === 1 && calls.get(n) === 1) await new Promise(() => undefined);
      return n * n;
    });
    const run = await lab.start("async () => Promise.all(Array.from({ length: 100 }, (_, n) => square(n)))");
    await until(async () => (await lab.history(run)).length === 51, "half of them are durable");
    await lab.crash();
    expect(await run.returnValue).toEqual(Array.from({ length: 100 }, (_, n) => n * n));
    expect([...calls].every(([n, count]) => count === (n % 2 === 1 ? 2 : 1))).toBe(true);
  },

  "a result that cannot be stored fails the step at once, and says where in it": async (lab) => {
    let calls = 0;
    lab.step("load", () => (calls++, { order: { total: () => 1 } }));
    const run = await lab.start("async () => load().catch((error) => [error.code, error.path])");
    expect(await run.returnValue).toEqual(["SERIALIZATION_FAILED", "result.order.total"]);
    expect(calls).toBe(1);
  },

  "what a step does to its arguments is not seen by the workflow, nor by the next attempt": async (lab) => {
    const seen: number[] = [];
    lab.step(
      "spoil",
      (list: number[]) => {
        seen.push(list.length);
        list.push(4);
        if (getStepMetadata().attempt === 1) throw new Error("again");
      },
      { retry: soon },
    );
    const run = await lab.start("async () => { const list = [1, 2, 3]; await spoil(list); return list }");
    expect(await run.returnValue).toEqual([1, 2, 3]);
    expect(seen).toEqual([3, 3]);
  },

  "a step that was given up is told, and its result changes nothing any more": async (lab) => {
    const run = await lab.start(
      `async () => {
        const slow = spawn(hang, ["search"]);
        await note("enough");
        slow.cancel("found elsewhere");
        return slow.result.catch((error) => [error.name, error.cause]);
      }`,
    );
    expect(await run.returnValue).toEqual(["CancelledError", "found elsewhere"]);
    await until(() => !lab.log.includes("begin search") || lab.log.includes("told search"), "the attempt is told");
  },

  "a step that nobody awaits and that fails does not disturb its run": async (lab) => {
    const run = await lab.start("async () => { void fail('unseen').catch(() => undefined); await sleep(5); return note('fine') }");
    expect(await run.returnValue).toBe("fine");
  },

  "a retryIf that throws ends the step with what it threw": async (lab) => {
    failing(lab, 9, {
      retry: {
        retryIf: () => {
          throw new SyntaxError("no such rule");
        },
      },
    });
    const run = await lab.start("async () => charge().catch((error) => error.name + ' ' + error.message)");
    expect(await run.returnValue).toBe("SyntaxError no such rule");
  },

  "an attempt that is the only one and takes too long fails, and no other begins": async (lab) => {
    const run = await lab.start(
      "async () => withOptions(hang, { atMostOnce: true, timeout: 20, retry: { maxAttempts: 9 } })('slow').catch((error) => error.code)",
    );
    expect(await run.returnValue).toBe("TIMED_OUT");
    expect(lab.log.filter((line) => line === "begin slow")).toHaveLength(1);
  },

  "an attempt that falls silent is given up after its heartbeatTimeout, and the next one begins where it was": async (lab) => {
    lab.step(
      "migrate",
      async () => {
        const { attempt, progress } = getStepMetadata();
        if (attempt === 2) return progress;
        heartbeat("half");
        await new Promise(() => undefined);
      },
      { heartbeatTimeout: 40, retry: soon },
    );
    expect(await (await lab.start("async () => migrate()")).returnValue).toBe("half");
  },

  "the deadline of a call counts from when the workflow asked for it, in every process": async (lab) => {
    const run = await lab.start("async () => withOptions(stuck, { deadline: '1h' })('slow').catch((error) => error.code)");
    await lab.logged("stuck slow");
    await lab.shutDown();
    setClock(2 * 3_600_000);
    lab.log.length = 0;
    await lab.boot();
    expect(await run.returnValue).toBe("TIMED_OUT");
  },

  "a run that was begun goes on with the code with which it was begun, and new runs have the new code": async (lab) => {
    const old = await lab.start(lab.flow("order", "async () => { await stuck('first'); return note('old code') }"));
    await lab.logged("stuck first");
    const fresh = lab.flow("order", "async () => { await note('other steps'); return note('new code') }");
    await lab.crash();
    expect(await old.returnValue).toBe("old code");
    expect(await (await lab.start(fresh)).returnValue).toBe("new code");
  },

  "a workflow may throw anything, and what it returns must be something that can be stored": async (lab) => {
    const thrown = await lab.start("async () => { throw { code: 7, list: [1] } }");
    await expect(thrown.returnValue).rejects.toMatchObject({ code: "RUN_FAILED", cause: { code: 7, list: [1] } });
    const nothing = await lab.start("async () => { throw undefined }");
    await expect(nothing.returnValue).rejects.toMatchObject({ code: "RUN_FAILED" });
    const unstorable = await lab.start("async () => ({ orders: [{ pay: () => 1 }] })");
    await expect(unstorable.returnValue).rejects.toMatchObject({ cause: { code: "SERIALIZATION_FAILED", path: "result.orders[0].pay" } });
  },

  "a run that fails keeps what it has published, and its caller sees it": async (lab) => {
    const run = await lab.start(
      "async () => { publish('stage', 'paying'); await note('x'); publish('stage', 'declined'); throw new Error('declined') }",
    );
    await run.returnValue.catch(() => undefined);
    expect(await run.read("stage")).toBe("declined");
  },

  "Promise.any and allSettled over steps come out the same after a crash": async (lab) => {
    const run = await lab.start(
      `async () => {
        const any = await Promise.any([fail("a"), note("b"), sleep("1h")]);
        const all = await Promise.allSettled([fail("c"), note("d")]);
        const result = [any, all.map(({ status, value, reason }) => [status, value ?? reason.message])];
        return [result, await stuck("then")];
      }`,
    );
    await lab.logged("stuck then");
    await lab.crash();
    expect(((await run.returnValue) as unknown[])[0]).toEqual([
      "b",
      [
        ["rejected", "c"],
        ["fulfilled", "d"],
      ],
    ]);
    expect(lab.log.filter((line) => line !== "stuck then")).toHaveLength(4);
  },
});
