import { expect, test } from "vitest";

import type { World } from "@perdure/world";
import { checkedWorld } from "@perdure/world/conformance";
import { createMemoryWorld } from "@perdure/world/memory";

import { getRun, resumeHook, start } from "../src/api/index.ts";
import { encodeChunk, encodeError } from "../src/streams/chunk.ts";
import { workflowOf } from "./support/bundle.ts";
import { until, useWorld } from "./support/lab.ts";
import { all } from "./support/appending-world.ts";

const waiting = workflowOf<[string], string>("read#waits", "async(token)=>{await createHook({token});return 'over'}");
let tokens = 0;

/** A run that goes on until its hook is resumed, and how to write to its streams. */
async function openRun(world?: World) {
  const lab = await (world ? useWorld({}, world) : useWorld());
  const token = `read-${++tokens}`;
  const run = await start(waiting, [token]);
  await until(async () => (await run.note)?.includes("hook") ?? false, "the hook");
  const write = async (values: readonly unknown[], { close = false, name = "default" } = {}): Promise<void> => {
    await lab.world.streams.append([{ runId: run.runId, name, chunks: values.map((value) => encodeChunk(value)), close }]);
  };
  return { run, write, world: lab.world, finish: () => resumeHook(token) };
}

/** A World whose reads of streams are counted, with the chunks that they gave. */
function counted(): { world: World; reads: number[]; watchers(): number } {
  const inner = createMemoryWorld();
  const reads: number[] = [];
  let watchers = 0;
  const world: World = {
    ...inner,
    streams: {
      ...inner.streams,
      async read(ref, from, limit) {
        const page = await inner.streams.read(ref, from, limit);
        reads.push(page.chunks.length);
        return page;
      },
    },
    watch(listener) {
      watchers++;
      const unwatch = inner.watch(listener);
      return () => (watchers--, unwatch());
    },
  };
  return { world, reads, watchers: () => watchers };
}

const values = [1, "two", { three: [3] }, undefined, new Map([[4, new Date(4)]]), null];

test("a stream gives the values that were written, and ends where it was closed while the run goes on", async () => {
  const { run, write } = await openRun();
  await write(values);
  await write([5], { close: true });
  await write(["other"], { close: true, name: "other" });
  expect(await all(run.readable)).toEqual([...values, 5]);
  expect(await all(run.getReadable({ namespace: "other" }))).toEqual(["other"]);
});

test("bytes come back as bytes, whatever is done with the buffer meanwhile", async () => {
  const { run, write } = await openRun();
  const buffer = new Uint8Array([0, 1, 255]);
  const writing = write([buffer, Buffer.from("text"), new Uint8Array(0), new Uint16Array([258])], { close: true });
  buffer.fill(7);
  await writing;
  const read = await all(run.readable);
  expect(read).toEqual([new Uint8Array([0, 1, 255]), new Uint8Array(Buffer.from("text")), new Uint8Array(0), new Uint16Array([258])]);
});

test("a reader that has read all waits for more, and ends with the run when nobody closes the stream", async () => {
  const { run, write, finish } = await openRun();
  const reader = run.readable.getReader();
  const first = reader.read();
  await write(["live"]);
  expect(await first).toEqual({ done: false, value: "live" });
  const second = reader.read();
  await finish();
  expect(await second).toEqual({ done: true, value: undefined });
  expect(await all(run.readable)).toEqual(["live"]);
});

test("the last chunks of a run that is over are read before the end", async () => {
  const { run, write, finish } = await openRun();
  await write(Array.from({ length: 1000 }, (_, n) => n));
  await finish();
  await run.returnValue;
  expect(await all(run.getReadable({ startIndex: 990 }))).toEqual([990, 991, 992, 993, 994, 995, 996, 997, 998, 999]);
  expect((await all(run.readable)).length).toBe(1000);
});

test("reading goes on at any index, and a stream says where it is", async () => {
  const { run, write } = await openRun();
  await write(["a", "b", "c", "d"]);
  const stream = run.getReadable<string>({ startIndex: 1 });
  expect([stream.nextIndex, await stream.getTailIndex()]).toEqual([1, 3]);
  const reader = stream.getReader();
  expect([(await reader.read()).value, stream.nextIndex]).toEqual(["b", 2]);
  await reader.cancel();
  const resumed = run.getReadable({ startIndex: 2 });
  await write([], { close: true });
  expect(await all(resumed)).toEqual(["c", "d"]);
  expect(await run.getReadable({ namespace: "nothing" }).getTailIndex()).toBe(-1);
});

test("an index below zero counts from the end that the stream has at the first look", async () => {
  const { run, write } = await openRun();
  const early = run.getReadable({ startIndex: -2 });
  await write(["a", "b", "c"]);
  const reader = early.getReader();
  expect([early.nextIndex, (await reader.read()).value, early.nextIndex]).toEqual([null, "b", 2]);
  await write(["d"], { close: true });
  expect([(await reader.read()).value, (await reader.read()).value, (await reader.read()).done]).toEqual(["c", "d", true]);
  expect(await all(run.getReadable({ startIndex: -100 }))).toEqual(["a", "b", "c", "d"]);
});

test("nothing is read before it is asked for, and never more than a page ahead", async () => {
  const { world, reads } = counted();
  const { run, write } = await openRun(world);
  await write(Array.from({ length: 500 }, (_, n) => n));
  const stream = run.readable;
  expect(reads).toEqual([]);
  const reader = stream.getReader();
  for (let n = 0; n < 16; n++) expect((await reader.read()).value).toBe(n);
  expect(reads).toEqual([16]);
  for (let n = 16; n < 80; n++) await reader.read();
  expect(reads).toEqual([16, 64]);
  await reader.read();
  expect(reads).toEqual([16, 64, 256]);
});

test("pages of large chunks hold few of them", async () => {
  const { world, reads } = counted();
  const { run, write } = await openRun(world);
  await write(
    Array.from({ length: 40 }, () => new Uint8Array(400_000)),
    { close: true },
  );
  await all(run.readable);
  expect(reads[0]).toBe(16);
  expect(Math.max(...reads.slice(1))).toBe(2);
});

test("a reader that is cancelled looks no more, and leaves nothing behind", async () => {
  const { world, reads, watchers } = counted();
  const { run } = await openRun(world);
  const before = watchers();
  const reader = run.readable.getReader();
  const pending = reader.read();
  await until(() => reads.length > 0, "a look");
  expect(watchers()).toBe(before + 1);
  await reader.cancel("enough");
  expect(await pending).toEqual({ done: true, value: undefined });
  await until(() => watchers() === before, "the watcher to go");
  const { length } = reads;
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(reads.length).toBe(length);
});

test("readers of one run share a watcher, and all are woken", async () => {
  const { world, watchers } = counted();
  const { run, write } = await openRun(world);
  const before = watchers();
  const pending = Array.from({ length: 20 }, () => run.readable.getReader().read());
  await until(() => watchers() > before, "a watcher");
  expect(watchers()).toBe(before + 1);
  await write(["now"]);
  expect((await Promise.all(pending)).map(({ value }) => value)).toEqual(Array(20).fill("now"));
});

test("a World that gives no hints is asked again and again", async () => {
  const inner = createMemoryWorld();
  const { run, write } = await openRun(checkedWorld({ ...inner, watch: () => () => undefined }));
  const reader = run.readable.getReader();
  const pending = reader.read();
  await new Promise((resolve) => setTimeout(resolve, 30));
  await write(["late"], { close: true });
  expect([(await pending).value, (await reader.read()).done]).toEqual(["late", true]);
});

test("a stream that breaks off throws its error to every reader, also to one that tries again", async () => {
  const { run, write, world } = await openRun();
  await write(["before"]);
  const chunks = [encodeError(new RangeError("the source failed"))];
  await world.streams.append([{ runId: run.runId, name: "default", chunks, close: true }]);
  for (const startIndex of [0, 1]) {
    await expect(all(run.getReadable({ startIndex }))).rejects.toMatchObject({ name: "RangeError", message: "the source failed" });
  }
});

test("reading from a run that does not exist, or not any more, rejects with RUN_NOT_FOUND", async () => {
  const inner = createMemoryWorld();
  let isDeleted = false;
  const read: World["streams"]["read"] = async (ref, from, limit) => {
    const page = await inner.streams.read(ref, from, limit);
    return isDeleted ? { ...page, chunks: [], next: from, length: 0, run: null } : page;
  };
  const { run, write } = await openRun({ ...inner, streams: { ...inner.streams, read } });
  const missing = getRun("no-such-run").readable;
  await expect(missing.getTailIndex()).rejects.toMatchObject({ code: "RUN_NOT_FOUND" });
  await expect(missing.getReader().read()).rejects.toMatchObject({ code: "RUN_NOT_FOUND" });
  await write(["a"]);
  const reader = run.readable.getReader();
  await reader.read();
  const pending = reader.read();
  isDeleted = true;
  await expect(pending).rejects.toMatchObject({ code: "RUN_NOT_FOUND" });
});

test.each([
  [{ startIndex: 1.5 }, "startIndex"],
  [{ namespace: "" }, "namespace"],
  [{ namespace: "a\0b" }, "namespace"],
  [{ namespace: "perdure:x" }, "are the runtime's"],
])("getReadable(%j) is refused", (options, text) => {
  expect(() => getRun("any").getReadable(options)).toThrow(
    expect.objectContaining({ code: "INVALID_ARGUMENT", message: expect.stringContaining(text) }),
  );
});
