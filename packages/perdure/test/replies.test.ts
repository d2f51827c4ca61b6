import type { Commit, World } from "@perdure/world";
import { beforeAll, describe, expect, test, vi } from "vitest";

import { askHook, getHookByToken, resumeHook, start } from "../src/api/index.ts";
import { createMachine, advance } from "../src/engine/machine.ts";
import { takeReplies } from "../src/engine/requests.ts";
import { defineHook } from "../src/index.ts";
import { step } from "../src/internal.ts";
import { workflowOf } from "./support/bundle.ts";
import { anotherWorker, until, useWorld } from "./support/lab.ts";
import { worlds } from "./support/worlds.ts";

// Whoever asks starts a worker on the way, unless told not to; here each test says which workers there are.
beforeAll(() => void vi.stubEnv("PERDURE_WORKER", "off"));

const isOpen = async (token: string): Promise<boolean> =>
  getHookByToken(token).then(
    () => true,
    () => false,
  );

const doubling = workflowOf(
  "r#doubling",
  "async(token)=>{const h=createHook({token});for await(const {payload,reply} of h.requests()){if(payload==='stop')break;reply({twice:payload*2n});reply('too late')}return 'done'}",
);

describe.each(worlds)("on %s", (_, createWorld) => {
  test("whoever asks gets what the workflow replies, each sender its own", async () => {
    await useWorld({}, createWorld());
    const run = await start(doubling, ["double"]);
    await until(() => isOpen("double"), "the hook");
    expect(await Promise.all([1n, 2n, 3n].map((n) => askHook("double", n)))).toEqual([{ twice: 2n }, { twice: 4n }, { twice: 6n }]);
    await resumeHook("double", 4n); // nobody waits for this reply
    await resumeHook("double", "stop");
    expect(await run.returnValue).toBe("done");
  });

  test("a question that is asked again with its key is delivered once and gets the same reply, also when another worker has the run", async () => {
    const counting = workflowOf(
      "r#counting",
      "async()=>{const h=createHook({token:'count'});let n=0;for await(const {payload,reply} of h.requests()){reply([++n,payload,Math.random()])}}",
    );
    const { world, worker } = await useWorld({}, createWorld());
    await start(counting, []);
    await until(() => isOpen("count"), "the hook");
    const first = await askHook("count", "a", { key: "k".repeat(500) });
    expect(await askHook("count", "b", { key: "k".repeat(500) })).toEqual(first);
    await worker.stop();
    await anotherWorker(world);
    expect(await askHook("count", "c", { key: "k".repeat(500) })).toEqual(first);
    expect(((await askHook("count", "d")) as unknown[]).slice(0, 2)).toEqual([2, "d"]);
  });

  test("a question that no worker has answered yet is answered by the next one", async () => {
    const { world, worker } = await useWorld({}, createWorld());
    const run = await start(doubling, ["later"]);
    await until(() => isOpen("later"), "the hook");
    await worker.stop();
    const asked = askHook("later", 5n, { key: "once" });
    await until(async () => (await world.load(run.runId)).messages.length === 1, "the question");
    await anotherWorker(world);
    expect(await asked).toEqual({ twice: 10n });
  });

  test("a worker that crashes before its reply is durable has said nothing; the next one replies, once", async () => {
    const world = createWorld();
    let isLost = false;
    /** The first worker's commit of a reply never gets through. */
    const crashing = Object.create(world, {
      commit: {
        value: (commits: readonly Commit[]) => {
          if (!commits.some(({ state = [] }) => state.some(({ key }) => key.startsWith("perdure/reply/")))) return world.commit(commits);
          isLost = true;
          return new Promise(() => undefined);
        },
      },
    }) as World;
    const once = workflowOf(
      "r#once",
      "async()=>{const h=createHook({token:'crash'});let n=0;for await(const {payload,reply} of h.requests()){n++;const at=await callStep('r#count',[payload]);reply([n,payload,at])}}",
    );
    let counted = 0;
    step("r#count", async () => ++counted, "count");
    const { worker } = await useWorld({}, crashing);
    await start(once, []);
    await until(() => isOpen("crash"), "the hook");
    const asked = Promise.all([askHook("crash", "a", { key: "a" }), askHook("crash", "a", { key: "a" })]);
    await until(() => isLost, "the commit");
    await worker.stop();
    await anotherWorker(world);
    const [first, second] = await asked;
    expect(first).toEqual([1, "a", 2]); // the step ran once more: its result was in the commit that was lost
    expect(second).toEqual(first);
    expect(await askHook("crash", "a", { key: "a" })).toEqual(first);
  });

  test("the reply of the last turn is there when the run is over", async () => {
    const last = workflowOf(
      "r#last",
      "async()=>{const h=createHook({token:'last'});const {payload,reply}=await h.request();reply('bye '+payload);return 1}",
    );
    await useWorld({}, createWorld());
    const run = await start(last, []);
    await until(() => isOpen("last"), "the hook");
    expect(await askHook("last", "ann")).toBe("bye ann");
    expect(await run.returnValue).toBe(1);
  });
});

test.each([
  ["ends", "await h.request();return 1"],
  ["fails", "await h.request();throw new Error('no')"],
  ["takes the payload without the means to reply", "await h;await createHook()"],
  ["iterates without them", "for await(const p of h);"],
  ["disposes of the hook before it takes the payload", "await callStep('r#wait',[50]);h.dispose();await createHook()"],
])("a workflow that %s leaves nobody waiting", async (what, code) => {
  step("r#wait", async (ms: number) => new Promise((resolve) => setTimeout(resolve, ms)), "wait");
  const token = `none ${what}`;
  const silent = workflowOf(`r#${what}`, `async()=>{const h=createHook({token:${JSON.stringify(token)}});${code}}`);
  await useWorld();
  const run = await start(silent, [], { id: what });
  run.returnValue.catch(() => undefined);
  await until(() => isOpen(token), "the hook");
  await expect(askHook(token, 1, { timeout: "1m" })).rejects.toMatchObject({ code: "HOOK_NO_REPLY", runId: what });
});

test("a question for a hook that the same turn disposes of is refused, live and replayed", async () => {
  const closing = workflowOf(
    "r#closing",
    "async()=>{const h=createHook({token:'closing'});await h;h.dispose();await createHook({token:'closed'});return 1}",
  );
  const { world, worker } = await useWorld();
  const run = await start(closing, []);
  await until(async () => /^waits for hook closing since \S+Z$/.test((await run.note) ?? ""), "the hook");
  await worker.stop();
  const asked = (async () => {
    await resumeHook("closing", "bye");
    return askHook("closing", "anybody?", { timeout: "1m" });
  })();
  const outcome = asked.catch((error: { code: string }) => error.code);
  await until(async () => (await world.load(run.runId)).messages.length === 2, "the messages");
  const second = await anotherWorker(world);
  expect(await outcome).toBe("HOOK_NO_REPLY");
  await until(() => isOpen("closed"), "the other hook");
  await second.stop();
  await anotherWorker(world);
  await resumeHook("closed");
  expect(await run.returnValue).toBe(1);
});

test("waiting ends with the time, or with the signal, and the reply can still be had by key", async () => {
  const patient = workflowOf(
    "r#patient",
    "async()=>{const h=createHook({token:'patient'});const {payload,reply}=await h.request();await createHook({token:'go'});reply(payload+1);await createHook()}",
  );
  await useWorld();
  await start(patient, []);
  await until(() => isOpen("patient"), "the hook");
  await expect(askHook("patient", 1, { timeout: 1, key: "k" })).rejects.toMatchObject({ code: "TIMED_OUT" });
  const controller = new AbortController();
  const aborted = askHook("patient", 1, { key: "k", signal: controller.signal });
  controller.abort(new Error("enough"));
  await expect(aborted).rejects.toThrow("enough");
  await until(() => isOpen("go"), "the second hook");
  await resumeHook("go");
  expect(await askHook("patient", 1, { key: "k" })).toBe(2);
});

test("replies cannot be read or published as state", async () => {
  const publishing = workflowOf("r#publishing", "async()=>{try{publish('perdure/reply/x',1)}catch(e){return e.code}}");
  await useWorld();
  const run = await start(publishing, []);
  expect(await run.returnValue).toBe("INVALID_ARGUMENT");
  await expect(run.read("perdure/reply/x")).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
});

test("what cannot be asked is refused before anything is sent", async () => {
  await useWorld();
  await expect(askHook("", 1)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  await expect(askHook("x", 1, { timeout: "soon" })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  await expect(askHook("x", 1, { key: "k".repeat(501) })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  await expect(askHook("x", { f() {} })).rejects.toMatchObject({ code: "SERIALIZATION_FAILED" });
  await expect(askHook("x", 1)).rejects.toMatchObject({ code: "HOOK_NOT_FOUND" });
  await expect(defineHook<number>().ask("x", 1)).rejects.toMatchObject({ code: "HOOK_NOT_FOUND" });
});

test("replies are kept for ten minutes of the run's time and a thousand of them, then removed with the next one", () => {
  const machine = createMachine();
  advance(machine, { type: "run_started", at: 0 }, [{ kind: "hook", op: "hook#1", token: "t", metadata: "" }], "");
  const replyTo = (message: string, at: number): (string | null)[][] => {
    advance(
      machine,
      { type: "hook_received", op: "hook#1", at, message, asked: true },
      [{ kind: "reply", message, value: `j"${message}"` }],
      "j1",
    );
    return machine.requests ? takeReplies(machine.requests).map((write) => [write.message, write.value]) : [];
  };
  expect(replyTo("a", 1)).toEqual([["a", 'j"a"']]);
  expect(replyTo("b", 600_001)).toEqual([["b", 'j"b"']]);
  expect(replyTo("c", 600_002)).toEqual([
    ["c", 'j"c"'],
    ["a", null],
  ]);
  for (let n = 0; n < 998; n++) expect(replyTo(`n${n}`, 600_003)).toHaveLength(1);
  expect(replyTo("one more", 600_003)).toEqual([
    ["one more", 'j"one more"'],
    ["b", null],
  ]);
});
