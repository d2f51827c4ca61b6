/** Time, as users see it: sleeps, timers, time limits, and what becomes of them when processes and clocks do as they like. */
import { expect } from "vitest";

import { onEveryWorld, setClock } from "../support/behaviours.ts";
import { until } from "../support/lab.ts";

const year = 365 * 86_400_000;

onEveryWorld({
  "a sleep until a date that has passed is over at once": async (lab) => {
    const run = await lab.start("async (date) => { await sleep(date); await sleep(0); await sleep('0s'); return 'awake' }", [new Date(0)]);
    expect(await run.returnValue).toBe("awake");
  },

  "a run may sleep for years: it is due at that date, whoever is there then": async (lab) => {
    const date = new Date(Date.now() + 30 * year);
    const run = await lab.start("async (date) => { await sleep(date); return 'old' }", [date]);
    await lab.waits(run, date.toISOString());
    await lab.crash();
    expect((await lab.world.query.run({ id: run.runId }))?.dueAt).toBe(date.getTime());
    await run.wakeUp();
    expect(await run.returnValue).toBe("old");
  },

  "a sleep that was begun before a crash ends when it would have, and is not begun anew": async (lab) => {
    const run = await lab.start("async () => { await note('to bed'); await sleep('1h'); return note('up') }");
    await lab.waits(run, "sleeps until");
    const { dueAt } = (await lab.world.query.run({ id: run.runId }))!;
    setClock(1_800_000);
    await lab.crash();
    expect((await lab.world.query.run({ id: run.runId }))?.dueAt).toBe(dueAt);
    setClock(1_800_000);
    expect(await run.returnValue).toBe("up");
    expect(lab.log).toEqual(["to bed", "up"]);
    expect(await lab.history(run)).toEqual(["run_started", "step_completed note#1", "wait_completed sleep#1", "step_completed note#2"]);
  },

  "a sleep whose time came while no process was there is over when one comes": async (lab) => {
    const run = await lab.start("async () => { await sleep(20); return 'late' }");
    await lab.waits(run, "sleeps until");
    await lab.shutDown();
    await new Promise((resolve) => setTimeout(resolve, 40));
    await lab.boot();
    expect(await run.returnValue).toBe("late");
  },

  "sleeps at the same time end in the order of their times": async (lab) => {
    const run = await lab.start(
      "async () => { const order = []; await Promise.all([[60, 'c'], [1, 'a'], [30, 'b']].map(([ms, name]) => sleep(ms).then(() => order.push(name)))); return order }",
    );
    expect(await run.returnValue).toEqual(["a", "b", "c"]);
  },

  "a clock that is set back in the middle of a run never runs backwards for the workflow": async (lab) => {
    lab.step("setBack", () => setClock(-3_600_000));
    const run = await lab.start(
      "async () => { const times = []; const look = () => times.push(Date.now()); look(); await setBack(); look(); await note('x'); look(); return times }",
    );
    const times = (await run.returnValue) as number[];
    expect(times).toHaveLength(3);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  },

  "a machine that stood still past the end of a sleep wakes the run when it goes on": async (lab) => {
    const run = await lab.start("async () => { const from = Date.now(); await sleep('1h'); return Date.now() - from }");
    await lab.waits(run, "sleeps until");
    setClock(2 * 3_600_000);
    expect(await run.returnValue).toBeGreaterThanOrEqual(2 * 3_600_000 - 60_000);
  },

  "setTimeout is durable: it is not forgotten in a crash, and fires once": async (lab) => {
    const run = await lab.start(
      "async () => { const fired = new Promise((resolve) => setTimeout((text) => resolve(note(text)), 3600000, 'fired')); await note('set'); return fired }",
    );
    await lab.waits(run, "waits until");
    await lab.crash();
    setClock(3_600_000);
    expect(await run.returnValue).toBe("fired");
    expect(lab.log).toEqual(["set", "fired"]);
  },

  "setInterval goes on after a crash where it was, without repeating a turn that is durable": async (lab) => {
    const run = await lab.start(
      `async () => {
        let turns = 0;
        await new Promise((resolve) => {
          const timer = setInterval(async () => {
            if (turns === 5) return;
            turns++;
            await (turns === 3 ? stuck("3") : note(String(turns)));
            if (turns < 5) return;
            clearInterval(timer);
            resolve();
          }, 5);
        });
        return turns;
      }`,
    );
    await lab.logged("stuck 3");
    await until(async () => (await lab.history(run)).includes("step_completed note#2"), "two turns are durable");
    await lab.crash();
    expect(await run.returnValue).toBe(5);
    expect(lab.log.filter((line) => line === "1" || line === "2")).toEqual(["1", "2"]);
  },

  "AbortSignal.timeout ends a scope, durably": async (lab) => {
    const run = await lab.start(
      "async () => { try { await scope({ signal: AbortSignal.timeout(50) }, () => hang('slow')) } catch (error) { return [error.name, error.cause.name] } }",
    );
    await lab.logged("begin slow");
    await lab.crash();
    expect(await run.returnValue).toEqual(["CancelledError", "TimeoutError"]);
  },

  "a scope's time limit goes on in another process": async (lab) => {
    const run = await lab.start("async () => scope({ timeout: 80 }, () => hang('slow')).catch((error) => [error.name, error.code])");
    await lab.logged("begin slow");
    await lab.crash();
    expect(await run.returnValue).toEqual(["TimeoutError", "TIMED_OUT"]);
  },

  "whoever wins a race has won it after a crash too": async (lab) => {
    const run = await lab.start(
      `async () => {
        const winner = await Promise.race([sleep(1).then(() => "sleep"), note("step"), sleep("1h").then(() => "hour")]);
        await note("won by " + winner);
        return [winner, await stuck("then")];
      }`,
    );
    await lab.logged("stuck then");
    const winner = lab.log.find((line) => line.startsWith("won by"));
    await lab.crash();
    const result = (await run.returnValue) as string[];
    expect(`won by ${result[0]}`).toBe(winner);
    expect(lab.log.filter((line) => line.startsWith("won by"))).toHaveLength(1);
  },

  "time, chance and ids are the same after a crash as before it": async (lab) => {
    const look =
      "JSON.stringify([Date.now(), Math.random(), crypto.randomUUID(), createHook().token, performance.now(), new Date().getHours()])";
    const run = await lab.start(
      `async () => { const before = ${look}; await note(before); const again = ${look}; await stuck("x"); return [before, again] }`,
    );
    await lab.logged("stuck x");
    const seen = lab.log[0];
    await lab.crash();
    const [before, again] = (await run.returnValue) as string[];
    expect(before).toBe(seen);
    expect(again).not.toBe(before);
  },

  "wakeUp ends sleeps and nothing else, and they stay over after a crash": async (lab) => {
    const run = await lab.start(
      "async () => { setTimeout(() => 0, 3600000); await scope({ timeout: '2h' }, () => sleep('1h')); await note('woken'); return stuck('on') }",
    );
    await lab.waits(run, "sleeps until");
    expect(await run.wakeUp()).toBe("requested");
    await lab.logged("stuck on");
    await lab.crash();
    expect(await run.returnValue).toBe("on");
    expect(lab.log.filter((line) => line === "woken")).toHaveLength(1);
  },

  "a sleep that cannot be is an error where it is asked for": async (lab) => {
    const run = await lab.start(
      `async () => {
        const codes = [];
        for (const bad of ["soon", NaN, -1, new Date(NaN), null, 1e300]) codes.push(await sleep(bad).then(() => String(bad), (error) => error.code));
        return codes;
      }`,
    );
    expect(await run.returnValue).toEqual(Array.from({ length: 6 }, () => "INVALID_ARGUMENT"));
  },

  "whoever looks at a run sees what it waits for": async (lab) => {
    lab.step("flaky", () => Promise.reject(new Error("down")), { retry: { initialDelay: "1h" } });
    const run = await lab.start(
      "async () => { const hook = createHook({ token: 'approve' }); await Promise.race([hook, sleep('1h')]); await flaky() }",
    );
    await lab.waits(run, "waits for hook approve since ");
    await lab.waits(run, "Z; sleeps until ");
    await run.wakeUp();
    await lab.waits(run, "Z: Error: down");
    expect(await run.note).toMatch(/^waits for hook approve since \S+Z; attempt 2 of 4 of flaky at \S+Z: Error: down$/);
    expect(await run.status).toBe("running");
    const forgetful = await lab.start("async () => new Promise(() => undefined)");
    await lab.waits(forgetful, "waits for nothing");
  },
});
