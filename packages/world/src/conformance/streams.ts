import assert from "node:assert/strict";
import type { StreamPage } from "../index.ts";
import { bytes, type Case, commit, commitOf, create, mustCommit, rejectsWith, start, text } from "./lab.ts";

const GHOST = "01890a5d-ac96-774b-bcce-b302099a8057";

function texts(page: StreamPage): string[] {
  return page.chunks.map(text);
}

export const streams: readonly Case[] = [
  {
    name: "chunks are numbered 0, 1, 2 … and are read from any index, in pages",
    async run({ world }) {
      const stream = { runId: (await create(world)).id, name: "out" };
      assert.equal(await world.streams.append(stream, [bytes("a"), bytes("b")]), 0);
      assert.equal(await world.streams.append(stream, [bytes("c")]), 2);
      assert.equal(await world.streams.append(stream, []), 3);
      const all = await world.streams.read(stream, 0);
      assert.deepEqual([texts(all), all.next, all.done], [["a", "b", "c"], 3, false]);
      const page = await world.streams.read(stream, 1, 1);
      assert.deepEqual([texts(page), page.next, page.done], [["b"], 2, false]);
      assert.deepEqual(await world.streams.read(stream, 3), { chunks: [], next: 3, done: false });
    },
  },
  {
    name: "a stream that nobody wrote is empty and open, also that of a run which does not exist",
    async run({ world }) {
      const { id } = await create(world);
      for (const runId of [id, GHOST]) {
        assert.deepEqual(await world.streams.read({ runId, name: "out" }, 0), { chunks: [], next: 0, done: false });
      }
      await rejectsWith("RUN_NOT_FOUND", world.streams.append({ runId: GHOST, name: "out" }, [bytes("x")]));
      await rejectsWith("RUN_NOT_FOUND", world.streams.close({ runId: GHOST, name: "out" }));
    },
  },
  {
    name: "a closed stream is done where it ends, and takes no more chunks",
    async run({ world }) {
      const stream = { runId: (await create(world)).id, name: "out" };
      await world.streams.append(stream, [bytes("a"), bytes("b")]);
      await world.streams.close(stream);
      await world.streams.close(stream);
      await rejectsWith("STREAM_CLOSED", world.streams.append(stream, [bytes("c")]));
      assert.deepEqual((await world.streams.read(stream, 0, 1)).done, false);
      assert.deepEqual(await world.streams.read(stream, 1), { chunks: [bytes("b")], next: 2, done: true });
      assert.deepEqual(await world.streams.read(stream, 2), { chunks: [], next: 2, done: true });
      const untouched = { ...stream, name: "other" };
      await world.streams.close(untouched);
      assert.deepEqual(await world.streams.read(untouched, 0), { chunks: [], next: 0, done: true });
    },
  },
  {
    name: "streams of one run, and of two runs with one name, are apart",
    async run({ world }) {
      const [one, two] = [(await create(world)).id, (await create(world)).id];
      const refs = [
        { runId: one, name: "a" },
        { runId: one, name: "b" },
        { runId: two, name: "a" },
      ];
      for (const [index, ref] of refs.entries()) await world.streams.append(ref, [bytes(`${index}`)]);
      for (const [index, ref] of refs.entries()) assert.deepEqual(texts(await world.streams.read(ref, 0)), [`${index}`]);
    },
  },
  {
    name: "a commit appends its chunks in order, to several streams, behind what is there",
    async run(lab) {
      const owned = await start(lab, "w1");
      const ref = (name: string): { runId: string; name: string } => ({ runId: owned.runId, name });
      await lab.world.streams.append(ref("a"), [bytes("0")]);
      const chunks = [
        { name: "a", data: bytes("1") },
        { name: "b", data: bytes("2") },
        { name: "a", data: bytes("3") },
      ];
      await mustCommit(lab.world, commitOf(owned, 0, ["x"], { chunks }));
      assert.deepEqual(texts(await lab.world.streams.read(ref("a"), 0)), ["0", "1", "3"]);
      assert.deepEqual(texts(await lab.world.streams.read(ref("b"), 0)), ["2"]);
      await lab.world.streams.close(ref("b"));
      assert.equal((await commit(lab.world, commitOf(owned, 1, ["y"], { chunks }))).status, "failed");
      assert.deepEqual(texts(await lab.world.streams.read(ref("a"), 0)), ["0", "1", "3"]);
    },
  },
  {
    name: "a stream outlives its run, and may still be written and closed",
    async run(lab) {
      const owned = await start(lab, "w1");
      const chunks = [{ name: "out", data: bytes("a") }];
      await mustCommit(lab.world, commitOf(owned, 0, ["x"], { chunks, patch: { status: "completed" } }));
      const stream = { runId: owned.runId, name: "out" };
      assert.equal(await lab.world.streams.append(stream, [bytes("b")]), 1);
      await lab.world.streams.close(stream);
      const page = await lab.world.streams.read(stream, 0);
      assert.deepEqual([texts(page), page.done], [["a", "b"], true]);
    },
  },
  {
    name: "chunks keep every byte value, may be empty, and may be large",
    async run({ world }) {
      const stream = { runId: (await create(world)).id, name: "потік 🌊" };
      const every = Uint8Array.from({ length: 256 }, (_, index) => index);
      const chunks = [every, new Uint8Array(0), new Uint8Array(1024 * 1024).fill(9)];
      await world.streams.append(stream, chunks);
      assert.deepEqual((await world.streams.read(stream, 0)).chunks, chunks);
    },
  },
];
