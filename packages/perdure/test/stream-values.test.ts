import { expect, test } from "vitest";

import { start } from "../src/api/index.ts";
import { getStepMetadata } from "../src/index.ts";
import { step } from "../src/internal.ts";
import { all } from "./support/appending-world.ts";
import { workflowOf } from "./support/bundle.ts";
import { anotherWorker, until, useWorld } from "./support/lab.ts";

/** A stream of these values, which then ends, or fails. */
function streamOf(values: readonly unknown[], failure?: Error): ReadableStream<unknown> {
  const rest = [...values];
  return new ReadableStream({
    pull(controller) {
      if (rest.length > 0) controller.enqueue(rest.shift());
      else if (failure) controller.error(failure);
      else controller.close();
    },
  });
}

step("sv#read", async (stream: ReadableStream) => all(stream), "read");
step("sv#numbers", async (count: number) => streamOf(Array.from({ length: count }, (_, n) => n)), "numbers");

test("a stream that a step returns goes to other steps and to the caller, each of which reads all of it", async () => {
  const code = workflowOf<[], { again: ReadableStream; read: unknown }>(
    "sv#passes",
    "async()=>{const s=await callStep('sv#numbers',[500]);const read=await callStep('sv#read',[s]);return {again:s,read}}",
  );
  await useWorld();
  const { again, read } = await (await start(code, [])).returnValue;
  const numbers = Array.from({ length: 500 }, (_, n) => n);
  expect(read).toEqual(numbers);
  expect(await all(again)).toEqual(numbers);
});

test("bytes of a response's body stay bytes, and a step may pass a stream on that it was given", async () => {
  step("sv#body", async () => ({ body: new Response("some text").body, type: "text/plain" }), "body");
  step("sv#same", async (value: { body: ReadableStream }) => value, "same");
  const code = workflowOf<[], { body: ReadableStream<Uint8Array> }>(
    "sv#bytes",
    "async()=>callStep('sv#same',[await callStep('sv#body',[])])",
  );
  const { world } = await useWorld();
  const run = await start(code, []);
  const { body } = await run.returnValue;
  expect(await new Response(body).text()).toBe("some text");
  // It was stored once: the row of the second step refers to the stream of the first.
  const rows = (await world.load(run.runId)).rows.map(({ data }) => Buffer.from(data).toString());
  const names = rows.flatMap((row) => /perdure:sv#\w+#1\/[\w-]+/.exec(row)?.[0] ?? []);
  expect([names.length, new Set(names).size, names[0]?.startsWith("perdure:sv#body#1/")]).toEqual([2, 1, true]);
});

test("a stream outlives its run, and another worker reads it by what history says", async () => {
  const code = workflowOf(
    "sv#later",
    "async()=>{const s=await callStep('sv#numbers',[3]);await createHook({token:'sv-later'});return callStep('sv#read',[s])}",
  );
  const { world, worker } = await useWorld();
  const run = await start(code, []);
  await until(async () => (await run.note)?.includes("hook") ?? false, "the hook");
  await worker.stop();
  await anotherWorker(world);
  await world.deliver([{ id: "m", to: { token: "sv-later" }, kind: "hook", payload: Buffer.from("j1") }]);
  expect(await run.returnValue).toEqual([0, 1, 2]);
});

test("a source that fails fails the attempt, and the next one begins a stream of its own", async () => {
  step(
    "sv#flaky",
    Object.assign(
      async () => {
        const { attempt } = getStepMetadata();
        return attempt === 1 ? streamOf(["lost"], new Error("connection reset")) : streamOf(["kept"]);
      },
      { options: { retry: { initialDelay: 1 } } },
    ),
    "flaky",
  );
  const code = workflowOf<[], ReadableStream>("sv#fails", "async()=>callStep('sv#flaky',[])");
  await useWorld();
  expect(await all(await (await start(code, [])).returnValue)).toEqual(["kept"]);
});

test("an attempt that is given up stops reading what it returned", async () => {
  let cancelled: unknown = null;
  step(
    "sv#endless",
    Object.assign(
      async () =>
        new ReadableStream({
          async pull(controller) {
            await new Promise((resolve) => setTimeout(resolve, 1));
            controller.enqueue("more");
          },
          cancel: (reason) => void (cancelled = reason ?? "cancelled"),
        }),
      { options: { timeout: 50, retry: { maxAttempts: 1 } } },
    ),
    "endless",
  );
  const code = workflowOf("sv#gives-up", "async()=>callStep('sv#endless',[]).catch(e=>e.code)");
  await useWorld();
  expect(await (await start(code, [])).returnValue).toBe("TIMED_OUT");
  await until(() => cancelled !== null, "the cancellation of the source");
});

test("streams among the arguments of start() are copied into the new run, which reads them while they come", async () => {
  const code = workflowOf<[{ parts: ReadableStream[] }], unknown>(
    "sv#args",
    "async({parts})=>Promise.all(parts.map((s)=>callStep('sv#read',[s])))",
  );
  await useWorld();
  const run = await start(code, [{ parts: [streamOf([1, { two: 2 }]), streamOf([new Uint8Array([3])])] }]);
  expect(await run.returnValue).toEqual([[1, { two: 2 }], [new Uint8Array([3])]]);
});

test("a start whose run exists leaves its streams alone, and a source that fails fails the readers", async () => {
  const code = workflowOf<[ReadableStream], unknown>("sv#twice", "async(s)=>callStep('sv#read',[s])");
  step(
    "sv#try",
    Object.assign(async (stream: ReadableStream) => all(stream), { options: { retry: { maxAttempts: 1 } } }),
    "try",
  );
  await useWorld();
  const first = await start(code, [streamOf(["first"])], { id: "sv-twice" });
  const source = streamOf(["second"]);
  const second = await start(code, [source], { id: "sv-twice" });
  expect([await first.returnValue, await second.returnValue]).toEqual([["first"], ["first"]]);
  expect(await source.getReader().read()).toEqual({ done: true, value: undefined });
  const failing = workflowOf<[ReadableStream], string>("sv#failing", "async(s)=>callStep('sv#try',[s]).catch(e=>e.message)");
  expect(await (await start(failing, [streamOf([1], new RangeError("no more"))])).returnValue).toBe("no more");
});

const takes = workflowOf<[unknown], unknown>("sv#takes", "async(s)=>callStep('sv#read',[s])");

test.each([
  [
    "one that has a reader",
    () => ({
      body: (() => {
        const s = streamOf([]);
        s.getReader();
        return s;
      })(),
    }),
    "args[0].body",
  ],
  ["a WritableStream of one's own", () => [new WritableStream()], "args[0][0]"],
])("%s is refused with SERIALIZATION_FAILED and its path", async (_name, make, path) => {
  await useWorld();
  await expect(start(takes, [make()])).rejects.toMatchObject({ code: "SERIALIZATION_FAILED", path });
});

test("a stream that workflow code made is refused with its path", async () => {
  const code = workflowOf("sv#made", "async()=>callStep('sv#read',[{s:new ReadableStream()}]).catch(e=>[e.code,e.path])");
  await useWorld();
  expect(await (await start(code, [])).returnValue).toEqual(["SERIALIZATION_FAILED", "args[0].s"]);
});
