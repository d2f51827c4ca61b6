import type { World } from "@perdure/world";
import { checkedWorld } from "@perdure/world/conformance";
import { createMemoryWorld } from "@perdure/world/memory";
import { expect, test } from "vitest";

import { start } from "../src/api/index.ts";
import { getWritable } from "../src/index.ts";
import { step } from "../src/internal.ts";
import { inPlace } from "../src/sandbox/module-graph/index.ts";
import { workflow } from "../src/internal.ts";
import { all } from "./support/appending-world.ts";
import { workflowOf } from "./support/bundle.ts";
import { anotherWorker, until, useWorld } from "./support/lab.ts";
import { liveAndReplayed } from "./support/live-and-replayed.ts";

step("sw#tick", async (n: number) => n, "tick");
step(
  "sw#write",
  async (stream: WritableStream<unknown>, ...values: unknown[]) => {
    const writer = stream.getWriter();
    for (const value of values) await writer.write(value);
    writer.releaseLock();
  },
  "write",
);

test("what workflow code writes is in the stream with its turn, in order, values and bytes, and it ends where the code closes it", async () => {
  const code = workflowOf(
    "sw#values",
    `async()=>{const w=getWritable().getWriter();await w.write({n:1,when:new Date(5)});await callStep('sw#tick',[1]);
    w.write(new Uint8Array([0,255]));w.write(undefined);await w.write(new Map([[1,2]]));await w.close();await callStep('sw#tick',[2]);return 'done'}`,
  );
  const { world } = await useWorld();
  const run = await start(code, []);
  expect(await run.returnValue).toBe("done");
  expect(await all(run.readable)).toEqual([{ n: 1, when: new Date(5) }, new Uint8Array([0, 255]), undefined, new Map([[1, 2]])]);
  expect((await world.streams.read({ runId: run.runId, name: "default" }, 4)).done).toBe(true);
});

test("a write needs no event: the code goes on in the same turn", async () => {
  const code = workflowOf(
    "sw#one-turn",
    "async()=>{const w=getWritable({namespace:'log'}).getWriter();for(let n=0;n<100;n++){await w.ready;await w.write(n)}return Date.now()}",
  );
  const { world } = await useWorld();
  const run = await start(code, []);
  await run.returnValue;
  expect((await world.load(run.runId)).rows).toHaveLength(1);
  expect(await all(run.getReadable({ namespace: "log" }))).toEqual(Array.from({ length: 100 }, (_, n) => n));
});

/** A World that dies under its worker at one of its commits: before it is made, or after. */
function dying(shared: World, at: number, when: "before" | "after"): { world: World; hasDied(): boolean } {
  let commits = 0;
  let hasDied = false;
  const commit: World["commit"] = async (batch) => {
    commits++;
    if (commits === at && when === "after") await shared.commit(batch);
    hasDied ||= commits === at;
    if (hasDied) throw new Error("The process died.");
    return shared.commit(batch);
  };
  return { world: { ...shared, commit }, hasDied: () => hasDied };
}

const many = workflowOf(
  "sw#crashes",
  `async()=>{const w=getWritable().getWriter();for(let n=0;n<4;n++){await w.write('a'+n);await callStep('sw#tick',[n]);w.write(new Uint8Array([n]))}
  await sleep(5);await w.write('end');await w.close()}`,
);

test.each(
  Array.from({ length: 6 }, (_, index) => index + 1).flatMap((at) => (["before", "after"] as const).map((when) => [when, at] as const)),
)("when the worker dies %s commit %i, another one goes on, and each chunk is there once", async (when, at) => {
  const shared = checkedWorld(createMemoryWorld());
  const { world, hasDied } = dying(shared, at, when);
  const { worker } = await useWorld({}, world);
  const run = await start(many, []);
  await until(hasDied, "the death");
  await worker.stop();
  await anotherWorker(shared);
  await until(async () => (await shared.query.run({ id: run.runId }))?.status === "completed", "the end");
  const expected = [0, 1, 2, 3].flatMap((n) => [`a${n}`, new Uint8Array([n])]);
  expect(await all(run.readable)).toEqual([...expected, "end"]);
  expect((await shared.streams.read({ runId: run.runId, name: "default" }, 9)).done).toBe(true);
});

test("a stream goes to steps as an argument, is written there, and by the workflow code meanwhile", async () => {
  const code = workflowOf(
    "sw#passes",
    `async()=>{const s=getWritable({namespace:'shared'});await callStep('sw#write',[s,1,{two:2}]);
    const w=getWritable({namespace:'shared'}).getWriter();await w.write(3);await callStep('sw#write',[s,4]);await w.write(5)}`,
  );
  await useWorld();
  const run = await start(code, []);
  await run.returnValue;
  expect(await all(run.getReadable({ namespace: "shared" }))).toEqual([1, { two: 2 }, 3, 4, 5]);
});

test("a stream of one run goes to another one by start(), whose steps write to it, and close it", async () => {
  const child = workflowOf<[WritableStream], undefined>("sw#child", "async(s)=>callStep('sw#write',[s,'from the child'])");
  const parent = workflowOf<[], WritableStream>("sw#parent", "async()=>getWritable()");
  const { world } = await useWorld();
  const run = await start(parent, []);
  const stream = await run.returnValue;
  await (
    await start(child, [stream])
  ).returnValue;
  expect(await all(run.readable)).toEqual(["from the child"]);
  step("sw#close-given", async (given: WritableStream) => given.close(), "closeGiven");
  const closing = workflowOf<[WritableStream], undefined>("sw#closing", "async(s)=>callStep('sw#close-given',[s])");
  await (
    await start(closing, [stream])
  ).returnValue;
  expect((await world.streams.read({ runId: run.runId, name: "default" }, 1)).done).toBe(true);
  const other = workflowOf<[WritableStream], string>("sw#other", "async(s)=>s.getWriter().write(1).catch(e=>e.code)");
  expect(await (await start(other, [stream])).returnValue).toBe("NOT_AVAILABLE_IN_WORKFLOW");
});

test("a run whose code writes behind the end of its stream fails with STREAM_CLOSED", async () => {
  step("sw#close", async () => void (await getWritable().close()), "close");
  const code = workflowOf("sw#behind", "async()=>{await callStep('sw#close',[]);await getWritable().getWriter().write('x')}");
  await useWorld();
  await expect((await start(code, [])).returnValue).rejects.toMatchObject({ code: "RUN_FAILED", cause: { name: "WorldError" } });
});

test("a chunk that cannot be stored rejects its write with the path, and the code goes on", async () => {
  const code = workflowOf("sw#refused", "async()=>getWritable().getWriter().write({f(){}}).catch(e=>[e.code,e.path])");
  await useWorld();
  expect(await (await start(code, [])).returnValue).toEqual(["SERIALIZATION_FAILED", "chunk.f"]);
});

test("streams in workflow code are the same live and replayed", async () => {
  const { live, replayed } =
    await liveAndReplayed(`async()=>{const w=getWritable(),r=await callStep('sw#stream',[]);const writer=w.getWriter();
  const seen=[w instanceof WritableStream,r instanceof ReadableStream,r.locked,writer.desiredSize];const first=writer.write(1);seen.push(writer.desiredSize);await first;
  seen.push(writer.desiredSize,await r.getReader().read().catch(e=>e.code));return seen}`);
  expect(live).toBe(replayed);
  expect(live).toContain("NOT_AVAILABLE_IN_WORKFLOW");
});
step("sw#stream", async () => new Blob(["x"]).stream(), "stream");

test("workflows in place write as those in the sandbox do", async () => {
  const code = workflow(
    "sw#in-place",
    async () => undefined as unknown,
    "inPlace",
    inPlace(async () => async () => {
      const writer = getWritable<string>().getWriter();
      await writer.write("one");
      writer.releaseLock();
      const stream = getWritable<string>();
      const { callStep } = await import("../src/sandbox/module-graph/index.ts");
      await callStep("sw#write", [stream, "two"]);
      await getWritable<string>().getWriter().write("three");
      return stream;
    }),
  );
  await useWorld();
  const run = await start(code, []);
  const stream = (await run.returnValue) as WritableStream<string>;
  await stream.getWriter().write("four");
  expect(await all(run.readable)).toEqual(["one", "two", "three", "four"]);
});
