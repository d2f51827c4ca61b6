/** Hooks, as users see them. */
import { expect } from "vitest";

import { askHook, getHookByToken, resumeHook } from "../../src/api/index.ts";
import { defineHook, type StandardSchema } from "../../src/index.ts";
import { onEveryWorld } from "../support/behaviours.ts";
import { until } from "../support/lab.ts";

const isOpen = async (token: string): Promise<boolean> =>
  getHookByToken(token).then(
    () => true,
    () => false,
  );
const opens = (token: string): Promise<void> => until(() => isOpen(token), `the hook ${token}`);

const waiting = (token: string): string => `async () => createHook({ token: ${JSON.stringify(token)} })`;

onEveryWorld({
  "payloads arrive in the order in which they were sent, each once, across a crash": async (lab) => {
    const run = await lab.start(
      `async () => {
        const hook = createHook({ token: "many" });
        const got = [];
        for await (const payload of hook) {
          got.push(payload);
          if (payload === 4) await stuck("four");
          if (payload === 19) return got;
        }
      }`,
    );
    await opens("many");
    for (let n = 0; n < 10; n++) await resumeHook("many", n);
    await lab.logged("stuck four");
    await lab.crash();
    for (let n = 10; n < 20; n++) await resumeHook("many", n);
    expect(await run.returnValue).toEqual(Array.from({ length: 20 }, (_, n) => n));
  },

  "a payload that was sent before anybody awaited the hook is kept": async (lab) => {
    const run = await lab.start("async () => { const hook = createHook({ token: 'early' }); await stuck('busy'); return hook }");
    await opens("early");
    await resumeHook("early", "kept");
    await lab.logged("stuck busy");
    await lab.crash();
    expect(await run.returnValue).toBe("kept");
  },

  "what then() of a hook returns is a promise, and settles as the handlers do, which belong to the scope in which they were given": async (
    lab,
  ) => {
    const run = await lab.start(
      `async () => {
        const hook = createHook({ token: "handled" });
        const isPromise = hook.then((n) => n) instanceof Promise;
        const thrown = hook.then((n) => { throw new TypeError("thrown " + n) }).catch((error) => error.name + ": " + error.message);
        const passed = hook.then(null, () => "wrong");
        const inScope = scope({}, (own) => hook.then(() => { own.cancel(); return sleep("30 days").then(() => "slept", (error) => error.code) }));
        const gone = hook.then(() => "wrong").catch((error) => error.code);
        const handled = hook.then(() => "wrong", (error) => error.code + " too");
        const three = await Promise.all([thrown, passed, inScope]);
        hook.dispose();
        return [isPromise, ...three, await gone, await handled];
      }`,
    );
    await opens("handled");
    await resumeHook("handled", 1);
    await resumeHook("handled", 2);
    await lab.crash();
    for (const n of [3, 4]) await resumeHook("handled", n);
    expect(await run.returnValue).toEqual([true, "TypeError: thrown 2", 3, "CANCELLED", "HOOK_DISPOSED", "HOOK_DISPOSED too"]);
  },

  "a payload that is sent while no process is there arrives when one comes": async (lab) => {
    const run = await lab.start(waiting("offline"));
    await opens("offline");
    await lab.shutDown();
    await resumeHook("offline", { while: "nobody was there" });
    await lab.boot();
    expect(await run.returnValue).toEqual({ while: "nobody was there" });
  },

  "a payload sent twice with one key counts once, also when the process crashes in between": async (lab) => {
    const run = await lab.start(
      "async () => { const hook = createHook({ token: 'paid' }); const first = await hook; await note('first'); return [first, await hook] }",
    );
    await opens("paid");
    await resumeHook("paid", 1, { key: "event-1" });
    await lab.logged("first");
    await lab.crash();
    await resumeHook("paid", "again", { key: "event-1" });
    await resumeHook("paid", 2, { key: "event-2" });
    expect(await run.returnValue).toEqual([1, 2]);
  },

  "values arrive as they were sent: dates, maps, big numbers, bytes, circles": async (lab) => {
    const circle: Record<string, unknown> = { name: "round" };
    circle["self"] = circle;
    const sent = [new Date(5), new Map([[1, new Set([2n])]]), new Uint8Array([1, 2]), -0, undefined, circle, /x/giu, new RangeError("no")];
    const run = await lab.start(
      "async () => { const list = await createHook({ token: 'values' }); return [list[0] instanceof Date, list[5].self === list[5], list] }",
    );
    await opens("values");
    await resumeHook("values", sent);
    const [isDate, isCircle, got] = (await run.returnValue) as [boolean, boolean, unknown[]];
    expect([isDate, isCircle]).toEqual([true, true]);
    expect(got).toEqual(sent);
    expect(got[7]).toBeInstanceOf(RangeError);
  },

  "two hooks are awaited together, whichever is resumed first": async (lab) => {
    const run = await lab.start("async () => Promise.all([createHook({ token: 'left' }), createHook({ token: 'right' })])");
    await opens("right");
    await resumeHook("right", "r");
    await resumeHook("left", "l");
    expect(await run.returnValue).toEqual(["l", "r"]);
  },

  "a token that a living hook has is refused to another run, and the first one goes on": async (lab) => {
    const first = await lab.start(waiting("shared"));
    await opens("shared");
    const second = await lab.start("async () => createHook({ token: 'shared' }).then(() => 'mine', (error) => [error.code, error.token])");
    expect(await second.returnValue).toEqual(["HOOK_CONFLICT", "shared"]);
    await resumeHook("shared", "for the first");
    expect(await first.returnValue).toBe("for the first");
  },

  "a hook that was disposed of frees its token for another run": async (lab) => {
    const first = await lab.start(
      "async () => { const hook = createHook({ token: 'desk' }); await hook; hook.dispose(); await stuck('open') }",
    );
    await opens("desk");
    await resumeHook("desk", "go");
    await lab.logged("stuck open");
    await until(async () => !(await isOpen("desk")), "the token is free");
    const second = await lab.start(waiting("desk"));
    await opens("desk");
    expect(await resumeHook("desk", "for the second")).toEqual({ runId: second.runId });
    expect(await second.returnValue).toBe("for the second");
    await first.terminate();
  },

  "however a run ends, its tokens are free at once": async (lab) => {
    const ending = lab.flow(
      "ending",
      "async (how) => { const hook = createHook({ token: 'seat' }); const payload = await hook; if (how === 'fails') throw new Error(payload); return payload }",
    );
    for (const how of ["completes", "fails", "is cancelled", "is terminated"]) {
      const run = await lab.start(ending, [how]);
      await lab.waits(run, "hook seat");
      expect(await getHookByToken("seat")).toMatchObject({ runId: run.runId });
      if (how === "is cancelled") await run.cancel();
      else if (how === "is terminated") await run.terminate();
      else await resumeHook("seat", how);
      await run.returnValue.catch(() => undefined);
      await expect(resumeHook("seat", "too late")).rejects.toMatchObject({ code: "HOOK_NOT_FOUND" });
    }
  },

  "an answer that does not come in time: the sleep wins, and the token is free when the hook is disposed of": async (lab) => {
    const run = await lab.start(
      "async () => { const hook = createHook({ token: 'slow' }); const answer = await Promise.race([hook, sleep(20).then(() => 'nobody')]); hook.dispose(); await note(answer); return stuck('after') }",
    );
    await lab.logged("stuck after");
    await expect(resumeHook("slow", "late")).rejects.toMatchObject({ code: "HOOK_NOT_FOUND" });
    await lab.crash();
    expect(await run.returnValue).toBe("after");
    expect(lab.log[0]).toBe("nobody");
  },

  "a schema refuses what does not fit before anything is delivered, and what fits arrives as it made it": async (lab) => {
    const schema: StandardSchema<{ amount: string }, { amount: number }> = {
      "~standard": {
        version: 1,
        vendor: "test",
        validate: (value) => {
          const amount = Number((value as { amount?: unknown }).amount);
          return Number.isFinite(amount) ? { value: { amount } } : { issues: [{ message: "is no number", path: ["amount"] }] };
        },
      },
    };
    const payment = defineHook({ schema });
    const run = await lab.start("async () => { const hook = defineHook().create({ token: 'payment' }); return hook }");
    await opens("payment");
    await expect(payment.resume("payment", { amount: "much" })).rejects.toMatchObject({
      code: "HOOK_PAYLOAD_INVALID",
      message: expect.stringContaining("amount: is no number") as string,
    });
    expect((await lab.world.load(run.runId)).messages).toEqual([]);
    await payment.resume("payment", { amount: "12.5" });
    expect(await run.returnValue).toEqual({ amount: 12.5 });
  },

  "whoever asks gets the workflow's reply, and the same one when asking again after a crash": async (lab) => {
    await lab.start(
      "async () => { let count = 0; for await (const { payload, reply } of createHook({ token: 'desk' }).requests()) reply([++count, payload]) }",
    );
    await opens("desk");
    expect(await askHook("desk", "price", { key: "q1" })).toEqual([1, "price"]);
    await lab.crash();
    expect(await askHook("desk", "price", { key: "q1" })).toEqual([1, "price"]);
    expect(await askHook("desk", "stock")).toEqual([2, "stock"]);
  },

  "a hook can be looked up with what it says of itself": async (lab) => {
    const run = await lab.start("async () => createHook({ token: 'info', metadata: { order: 7, until: new Date(9) } })", [], {
      id: "order-7",
    });
    await opens("info");
    expect(await getHookByToken("info")).toMatchObject({ runId: "order-7", token: "info", metadata: { order: 7, until: new Date(9) } });
    expect(await resumeHook("info", 1)).toEqual({ runId: "order-7" });
    expect(await run.returnValue).toBe(1);
  },

  "a hundred senders at once deliver a hundred payloads": async (lab) => {
    const run = await lab.start(
      "async () => { const got = []; for await (const payload of createHook({ token: 'crowd' })) { got.push(payload); if (got.length === 100) return got } }",
    );
    await opens("crowd");
    await Promise.all(Array.from({ length: 100 }, (_, n) => resumeHook("crowd", n)));
    expect(((await run.returnValue) as number[]).toSorted((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, n) => n));
  },
});
