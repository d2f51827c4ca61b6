import { expect, test } from "vitest";

import { checkedWorld } from "@perdure/world/conformance";

import { start } from "../src/api/index.ts";
import { getStepMetadata, getWorkflowMetadata, getWritable } from "../src/index.ts";
import { step } from "../src/internal.ts";
import type { StepFunction } from "../src/registry.ts";
import { bufferBytes } from "../src/streams/chunk-writer.ts";
import { workflowOf } from "./support/bundle.ts";
import { anotherWorker, until, useWorld } from "./support/lab.ts";
import { all, appendingWorld } from "./support/appending-world.ts";

let steps = 0;

/** A workflow of one step with this body. */
function workflowOfStep<R>(body: () => Promise<R>, options: Partial<StepFunction> = {}): () => Promise<R> {
  const id = `write#${++steps}`;
  step(id, Object.assign(body, options), "body");
  return workflowOf<[], R>(`${id}-flow`, `async()=>callStep('${id}',[])`);
}

test("what a step writes is read while the step runs, and its close ends the stream with the step", async () => {
  let finish = (): void => undefined;
  const finished = new Promise<void>((resolve) => (finish = resolve));
  const code = workflowOfStep(async () => {
    const writer = getWritable<unknown>().getWriter();
    await writer.write({ n: 1, at: new Date(1) });
    await writer.write(new Uint8Array([1, 2]));
    await finished;
    await writer.close();
    return "done";
  });
  await useWorld();
  const run = await start(code, []);
  const reader = run.readable.getReader();
  expect((await reader.read()).value).toEqual({ n: 1, at: new Date(1) });
  expect((await reader.read()).value).toEqual(new Uint8Array([1, 2]));
  finish();
  expect((await reader.read()).done).toBe(true);
  expect(await run.returnValue).toBe("done");
});

test("namespaces are streams of their own, and one of them stays open when another is closed", async () => {
  const code = workflowOfStep(async () => {
    const [log, out] = [getWritable({ namespace: "log" }).getWriter(), getWritable().getWriter()];
    await out.write("o1");
    await log.write("l1");
    await log.close();
    await out.write("o2");
  });
  const { world } = await useWorld();
  const run = await start(code, []);
  await run.returnValue;
  expect(await all(run.readable)).toEqual(["o1", "o2"]);
  expect(await all(run.getReadable({ namespace: "log" }))).toEqual(["l1"]);
  const done = async (name: string) => (await world.streams.read({ runId: run.runId, name }, 10)).done;
  expect([await done("log"), await done("default")]).toEqual([true, false]);
});

test("a step's result waits for what it wrote, also for writes and a close that nobody awaits", async () => {
  const { world, hold } = appendingWorld();
  const code = workflowOfStep(async () => {
    const writer = getWritable().getWriter();
    for (let n = 0; n < 50; n++) void writer.write(n);
    void writer.close();
  });
  await useWorld({}, world);
  const release = hold();
  const run = await start(code, []);
  let isOver = false;
  void run.returnValue.then(() => (isOver = true));
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(isOver).toBe(false);
  release();
  await run.returnValue;
  expect(await all(run.readable)).toEqual(Array.from({ length: 50 }, (_, n) => n));
  expect((await world.streams.read({ runId: run.runId, name: "default" }, 50)).done).toBe(true);
});

test("what several writers write meanwhile goes to the World in one call", async () => {
  const { world, calls, hold } = appendingWorld();
  const release = hold();
  step(
    "write#one",
    async (n: number) => {
      const writer = getWritable({ namespace: `of-${n}` }).getWriter();
      for (let chunk = 0; chunk < 20; chunk++) await writer.write(`${n}:${chunk}`);
      await writer.close();
    },
    "one",
  );
  const code = workflowOf("write#ten", "async()=>Promise.all(Array.from({length:10},(_,n)=>callStep('write#one',[n])))");
  await useWorld({}, world);
  const run = await start(code, []);
  await until(() => calls.length > 0, "the first call");
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(calls.length).toBe(1);
  release();
  await run.returnValue;
  // 200 chunks of ten writers: those that came before the first call, and the others.
  expect(calls.length).toBeLessThanOrEqual(3);
  for (let n = 0; n < 10; n++) {
    const read = await all(run.getReadable({ namespace: `of-${n}` }));
    expect(read).toEqual(Array.from({ length: 20 }, (_, chunk) => `${n}:${chunk}`));
  }
});

test("a writer that the World does not keep up with waits, with a bounded number of bytes", async () => {
  const { world, calls, hold } = appendingWorld();
  const release = hold();
  const size = 8 * 1024;
  let accepted = 0;
  const code = workflowOfStep(async () => {
    const writer = getWritable<Uint8Array>().getWriter();
    for (let n = 0; n < 200; n++) {
      await writer.ready;
      void writer.write(new Uint8Array(size));
      accepted++;
    }
    await writer.close();
  });
  await useWorld({}, world);
  const run = await start(code, []);
  await until(() => calls.length > 0, "the first call");
  await new Promise((resolve) => setTimeout(resolve, 50));
  // One chunk goes over the bound, and one more waits in the WritableStream.
  expect(accepted * size).toBeGreaterThan(bufferBytes / 2);
  expect(accepted * size).toBeLessThanOrEqual(bufferBytes + 2 * size);
  release();
  await run.returnValue;
  expect((await all(run.readable)).length).toBe(200);
  for (const [append] of calls) {
    const bytes = append!.chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);
    expect(bytes).toBeLessThanOrEqual(bufferBytes + 2 * size);
  }
});

test("appends that fail, and those whose answers are lost, are tried again, and each chunk is there once", async () => {
  const { world, calls, next } = appendingWorld();
  next("lose", "fail", "pass", "lose", "lose", "lose");
  const count = 10;
  const code = workflowOfStep(async () => {
    const { workflowRunId } = getWorkflowMetadata();
    const writer = getWritable().getWriter();
    for (let n = 0; n < count; n++) {
      await writer.write(n);
      // So that each chunk has a call of its own.
      await until(async () => (await world.streams.read({ runId: workflowRunId, name: "default" }, 0)).length > n, "the chunk");
    }
    await writer.close();
  });
  await useWorld({}, checkedWorld(world));
  const run = await start(code, []);
  await run.returnValue;
  expect(await all(run.readable)).toEqual(Array.from({ length: count }, (_, n) => n));
  // Some are there before their answer is lost, and then go once more with the next.
  expect(calls.length).toBeGreaterThan(count);
});

test("one writer whose chunks cannot pass does not hold up the others", async () => {
  const inner = appendingWorld();
  const append: typeof inner.world.streams.append = async (appends) => {
    if (appends.some(({ name }) => name === "bad")) throw new Error("These bytes upset the database.");
    return inner.world.streams.append(appends);
  };
  step("write#to", async (name: string) => void (await getWritable({ namespace: name }).getWriter().write(name)), "to");
  const code = workflowOf(
    "write#bad",
    "async()=>{const b=spawn((n)=>callStep('write#to',[n]),['bad'],{deadline:'2s',retry:{maxAttempts:1}});await callStep('write#to',['good']);return b.result.catch(e=>e.name)}",
  );
  await useWorld({}, { ...inner.world, streams: { ...inner.world.streams, append } });
  const run = await start(code, []);
  expect((await run.getReadable({ namespace: "good" }).getReader().read()).value).toBe("good");
  expect(await run.returnValue).toBe("TimeoutError");
});

test("an attempt that is made again writes again behind the first, whose close does not count", async () => {
  const code = workflowOfStep(
    async () => {
      const { attempt } = getStepMetadata();
      const writer = getWritable().getWriter();
      await writer.write(`attempt ${attempt}`);
      void writer.write("not awaited");
      if (attempt === 1) {
        void writer.close();
        throw new Error("again");
      }
      await writer.close();
    },
    { options: { retry: { initialDelay: 1 } } },
  );
  const { world } = await useWorld();
  const run = await start(code, []);
  await run.returnValue;
  expect(await all(run.readable)).toEqual(["attempt 1", "not awaited", "attempt 2", "not awaited"]);
  expect((await world.streams.read({ runId: run.runId, name: "default" }, 4)).done).toBe(true);
});

test("a step that was lost with its worker after its close, and before its result, writes on in the next worker", async () => {
  const attempts: string[] = [];
  const code = workflowOfStep(async () => {
    const writer = getWritable().getWriter();
    attempts.push("begun");
    await writer.write(`attempt ${attempts.length}`);
    await writer.close();
    if (attempts.length === 1) await new Promise(() => undefined);
  });
  const { world, worker } = await useWorld();
  const run = await start(code, []);
  await until(async () => (await run.readable.getTailIndex()) === 0, "the first chunk");
  await worker.stop();
  await anotherWorker(world);
  await run.returnValue;
  expect(await all(run.readable)).toEqual(["attempt 1", "attempt 2"]);
});

test("an attempt that was cancelled writes nothing more: its writers have the reason", async () => {
  const seen: unknown[] = [];
  const code = workflowOfStep(
    async () => {
      const { signal } = getStepMetadata();
      const writer = getWritable().getWriter();
      await writer.write("before");
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      seen.push(await writer.write("after").catch((error: Error) => error.name));
      seen.push(
        await getWritable({ namespace: "new" })
          .getWriter()
          .write("x")
          .catch((error: Error) => error.name),
      );
    },
    { options: { timeout: 30, retry: { maxAttempts: 1 } } },
  );
  await useWorld();
  const run = await start(code, []);
  await expect(run.returnValue).rejects.toMatchObject({ code: "RUN_FAILED" });
  await until(() => seen.length === 2, "the writes");
  expect(seen).toEqual(["TimeoutError", "TimeoutError"]);
  expect(await all(run.readable)).toEqual(["before"]);
});

test("an attempt of a run that its worker lost writes nothing more", async () => {
  let seen: unknown = null;
  const code = workflowOfStep(async () => {
    const writer = getWritable().getWriter();
    await writer.write("mine");
    await new Promise((resolve) => getStepMetadata().signal.addEventListener("abort", resolve));
    seen = await writer.write("late").catch((error: Error) => error.name);
  });
  await useWorld();
  const run = await start(code, []);
  await until(async () => (await run.readable.getTailIndex()) === 0, "the first chunk");
  await run.terminate();
  await until(() => seen !== null, "the late write");
  expect(seen).toBe("CancelledError");
  expect(await all(run.readable)).toEqual(["mine"]);
});

test("a write after the step has returned, and one after its close, are refused with STREAM_NOT_WRITABLE", async () => {
  let late: Promise<unknown> = Promise.resolve();
  const refused: unknown[] = [];
  const code = workflowOfStep(async () => {
    const writable = getWritable();
    await writable.getWriter().close();
    refused.push(
      await getWritable()
        .getWriter()
        .write("x")
        .catch((error: { code: string }) => error.code),
    );
    const writer = getWritable({ namespace: "late" }).getWriter();
    late = new Promise((resolve) => setTimeout(resolve, 100)).then(() => writer.write("x")).catch((error: { code: string }) => error.code);
  });
  await useWorld();
  const run = await start(code, []);
  await run.returnValue;
  expect([...refused, await late]).toEqual(["STREAM_NOT_WRITABLE", "STREAM_NOT_WRITABLE"]);
});

test("a stream that was closed takes no more from another step, which fails with STREAM_CLOSED", async () => {
  step("write#close", async () => void (await getWritable().close()), "close");
  step(
    "write#more",
    Object.assign(async () => void (await getWritable().getWriter().write("x")), { options: { retry: { maxAttempts: 1 } } }),
    "more",
  );
  const code = workflowOf("write#closed", "async()=>{await callStep('write#close',[]);return callStep('write#more',[]).catch(e=>e.code)}");
  await useWorld();
  expect(await (await start(code, [])).returnValue).toBe("STREAM_CLOSED");
});

test("a chunk that cannot be stored fails its write with SERIALIZATION_FAILED, and the step that awaits it", async () => {
  const code = workflowOfStep(async () => {
    const writer = getWritable<unknown>().getWriter();
    await writer.write(1);
    return writer.write({ callback: () => 1 }).then(
      () => "written",
      (error: { code: string; path: string }) => [error.code, error.path],
    );
  });
  await useWorld();
  const run = await start(code, []);
  expect(await run.returnValue).toEqual(["SERIALIZATION_FAILED", "chunk.callback"]);
  expect(await all(run.readable)).toEqual([1]);
});

test("a chunk may hold what a step may return, of eight mebibytes at most", async () => {
  const code = workflowOfStep(async () => {
    const writer = getWritable<unknown>({ namespace: "large" }).getWriter();
    await writer.write(new Uint8Array(8 * 1024 * 1024));
    return writer.write(new Uint8Array(8 * 1024 * 1024 + 1)).catch((error: { code: string }) => error.code);
  });
  await useWorld();
  const run = await start(code, []);
  expect(await run.returnValue).toBe("VALUE_TOO_LARGE");
  expect((await all(run.getReadable<Uint8Array>({ namespace: "large" }))).map((chunk) => chunk.length)).toEqual([8 * 1024 * 1024]);
});

test("getWritable() belongs into steps and workflows, and takes a namespace", async () => {
  expect(() => getWritable()).toThrow(expect.objectContaining({ code: "NOT_IN_STEP" }));
  const code = workflowOfStep(async () => getWritable({ namespace: "" }), { options: { retry: { maxAttempts: 1 } } });
  await useWorld();
  await expect((await start(code, [])).returnValue).rejects.toMatchObject({ cause: { code: "INVALID_ARGUMENT" } });
});
