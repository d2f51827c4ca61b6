import assert from "node:assert/strict";
import type { StreamAppend, StreamAppended, StreamPage, StreamRef, World } from "../index.ts";
import { append, bytes, type Case, commit, commitOf, create, mustCommit, rejectsWith, settle, several, start, text } from "./lab.ts";

const GHOST = "01890a5d-ac96-774b-bcce-b302099a8057";

function texts(page: StreamPage): string[] {
  return page.chunks.map(text);
}

async function write(
  world: World,
  ref: StreamRef,
  id: string,
  from: number,
  chunks: readonly string[],
  close = false,
): Promise<StreamAppended> {
  const results = await world.streams.append([{ ...ref, chunks: chunks.map(bytes), close, writer: { id, from } }]);
  assert.equal(results.length, 1);
  return results[0]!;
}

export const streams: readonly Case[] = [
  {
    name: "chunks are numbered 0, 1, 2 … and are read from any index, in pages",
    async run({ world }) {
      const stream = { runId: (await create(world)).id, name: "out" };
      assert.equal(await append(world, stream, ["a", "b"]), 0);
      assert.equal(await append(world, stream, ["c"]), 2);
      assert.equal(await append(world, stream, []), 3);
      const rest = { done: false, length: 3, run: "running" } as const;
      assert.deepEqual(await world.streams.read(stream, 0), { chunks: ["a", "b", "c"].map(bytes), next: 3, ...rest });
      assert.deepEqual(await world.streams.read(stream, 1, 1), { chunks: [bytes("b")], next: 2, ...rest });
      assert.deepEqual(await world.streams.read(stream, 3), { chunks: [], next: 3, ...rest });
      assert.deepEqual(await world.streams.read(stream, 7), { chunks: [], next: 7, ...rest });
    },
  },
  {
    name: "a stream that nobody wrote is empty and open, also that of a run which does not exist",
    async run({ world }) {
      const { id } = await create(world);
      const empty = { chunks: [], next: 0, done: false, length: 0 };
      assert.deepEqual(await world.streams.read({ runId: id, name: "out" }, 0), { ...empty, run: "running" });
      assert.deepEqual(await world.streams.read({ runId: GHOST, name: "out" }, 0), { ...empty, run: null });
      const appends = [{ runId: GHOST, name: "out", chunks: [bytes("x")], close: true }];
      assert.deepEqual(await world.streams.append(appends), [{ status: "not_found" }]);
      assert.deepEqual(await world.streams.append([]), []);
    },
  },
  {
    name: "a closed stream is done where it ends, and takes no more chunks",
    async run({ world }) {
      const stream = { runId: (await create(world)).id, name: "out" };
      await append(world, stream, ["a"]);
      await append(world, stream, ["b"], true);
      await append(world, stream, [], true);
      assert.deepEqual(await world.streams.append([{ ...stream, chunks: [bytes("c")] }]), [{ status: "closed" }]);
      const rest = { next: 2, done: true, length: 2, run: "running" } as const;
      assert.deepEqual((await world.streams.read(stream, 0, 1)).done, false);
      assert.deepEqual(await world.streams.read(stream, 1), { chunks: [bytes("b")], ...rest });
      assert.deepEqual(await world.streams.read(stream, 2), { chunks: [], ...rest });
      const untouched = { ...stream, name: "other" };
      await append(world, untouched, [], true);
      assert.deepEqual(await world.streams.read(untouched, 0), { ...rest, chunks: [], next: 0, length: 0 });
    },
  },
  {
    name: "one call appends to many streams of many runs, in its order, and one that fails spoils no other",
    async run({ world }) {
      const [one, two] = [(await create(world)).id, (await create(world)).id];
      await append(world, { runId: one, name: "closed" }, [], true);
      const results = await world.streams.append([
        { runId: one, name: "a", chunks: [bytes("1"), bytes("2")] },
        { runId: GHOST, name: "a", chunks: [bytes("x")] },
        { runId: one, name: "closed", chunks: [bytes("x")] },
        { runId: two, name: "a", chunks: [bytes("3")], close: true },
        { runId: one, name: "a", chunks: [bytes("4")] },
      ]);
      assert.deepEqual(results, [
        { status: "appended", added: 2, length: 2 },
        { status: "not_found" },
        { status: "closed" },
        { status: "appended", added: 1, length: 1 },
        { status: "appended", added: 1, length: 3 },
      ]);
      assert.deepEqual(texts(await world.streams.read({ runId: one, name: "a" }, 0)), ["1", "2", "4"]);
      assert.equal((await world.streams.read({ runId: two, name: "a" }, 0)).done, true);
    },
  },
  {
    name: "a writer whose answer was lost tries again, with more behind, and nothing is there twice",
    async run({ world }) {
      const stream = { runId: (await create(world)).id, name: "out" };
      assert.deepEqual(await write(world, stream, "w", 0, ["a", "b"]), { status: "appended", added: 2, length: 2 });
      assert.deepEqual(await write(world, stream, "other", 0, ["x"]), { status: "appended", added: 1, length: 3 });
      assert.deepEqual(await write(world, stream, "w", 0, ["a", "b"]), { status: "appended", added: 0, length: 3 });
      assert.deepEqual(await write(world, stream, "w", 0, ["a", "b", "c"]), { status: "appended", added: 1, length: 4 });
      assert.deepEqual(await write(world, stream, "w", 3, ["d"], true), { status: "appended", added: 1, length: 5 });
      assert.deepEqual(await write(world, stream, "w", 3, ["d"], true), { status: "appended", added: 0, length: 5 });
      assert.deepEqual(await write(world, stream, "w", 3, ["d", "e"]), { status: "closed" });
      assert.deepEqual(await write(world, stream, "other", 0, ["x"]), { status: "appended", added: 0, length: 5 });
      assert.deepEqual(texts(await world.streams.read(stream, 0)), ["a", "b", "x", "c", "d"]);
    },
  },
  {
    name: "a writer of one stream is another one in each other stream",
    async run({ world }) {
      const { id } = await create(world);
      for (const name of ["a", "b"]) {
        assert.deepEqual(await write(world, { runId: id, name }, "w", 0, ["1"]), { status: "appended", added: 1, length: 1 });
      }
    },
  },
  {
    name: "a writer whose chunks the World does not have any more is told so, and nothing is appended behind the hole",
    async run({ world }) {
      const stream = { runId: (await create(world)).id, name: "out" };
      await write(world, stream, "w", 0, ["a"]);
      assert.deepEqual(await write(world, stream, "w", 2, ["c"], true), { status: "behind" });
      assert.deepEqual(await write(world, stream, "unknown", 1, []), { status: "behind" });
      const page = await world.streams.read(stream, 0);
      assert.deepEqual([texts(page), page.done], [["a"], false]);
    },
  },
  {
    name: "retries of one append that race each other add its chunks once",
    async run(lab) {
      const worlds = await several(lab, 4);
      const stream = { runId: (await create(lab.world)).id, name: "out" };
      const tries = await Promise.all(Array.from({ length: 12 }, (_, n) => write(worlds[n % 4]!, stream, "w", 0, ["a", "b"], true)));
      assert.equal(
        tries.reduce((sum, result) => sum + (result.status === "appended" ? result.added : 100), 0),
        2,
      );
      assert.deepEqual(texts(await lab.world.streams.read(stream, 0)), ["a", "b"]);
    },
  },
  {
    name: "appends that no World may store are refused as a whole call",
    async run({ world }) {
      const good = { runId: (await create(world)).id, name: "out", chunks: [bytes("a")] };
      const bad: readonly StreamAppend[] = [
        { ...good, name: "" },
        { ...good, chunks: ["text" as unknown as Uint8Array] },
        { ...good, writer: { id: "", from: 0 } },
        { ...good, writer: { id: "w", from: -1 } },
      ];
      for (const one of bad) await rejectsWith("WORLD_INVALID_ARGUMENT", world.streams.append([good, one]));
      assert.equal((await world.streams.read(good, 0)).length, 0);
    },
  },
  {
    name: "appends, and commits with chunks, wake watchers with the run's id",
    async run(lab) {
      const owned = await start(lab, "w1");
      let heard = 0;
      const unwatch = lab.world.watch((hint) => (heard += hint.kind === "stream" && hint.runId === owned.runId ? 1 : 0));
      await append(lab.world, { runId: owned.runId, name: "out" }, ["a"]);
      await settle(() => heard > 0);
      heard = 0;
      await mustCommit(lab.world, commitOf(owned, 0, ["x"], { chunks: [{ name: "out", data: bytes("b") }] }));
      await settle(() => heard > 0);
      unwatch();
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
      for (const [index, ref] of refs.entries()) await append(world, ref, [`${index}`]);
      for (const [index, ref] of refs.entries()) assert.deepEqual(texts(await world.streams.read(ref, 0)), [`${index}`]);
    },
  },
  {
    name: "a commit appends its chunks in order, to several streams, behind what is there",
    async run(lab) {
      const owned = await start(lab, "w1");
      const ref = (name: string): { runId: string; name: string } => ({ runId: owned.runId, name });
      await append(lab.world, ref("a"), ["0"]);
      const chunks = [
        { name: "a", data: bytes("1") },
        { name: "b", data: bytes("2") },
        { name: "a", data: bytes("3") },
      ];
      await mustCommit(lab.world, commitOf(owned, 0, ["x"], { chunks }));
      assert.deepEqual(texts(await lab.world.streams.read(ref("a"), 0)), ["0", "1", "3"]);
      assert.deepEqual(texts(await lab.world.streams.read(ref("b"), 0)), ["2"]);
      await append(lab.world, ref("b"), [], true);
      assert.equal((await commit(lab.world, commitOf(owned, 1, ["y"], { chunks }))).status, "failed");
      assert.deepEqual(texts(await lab.world.streams.read(ref("a"), 0)), ["0", "1", "3"]);
    },
  },
  {
    name: "a commit ends streams behind its chunks, and those that have an end already once more",
    async run(lab) {
      const owned = await start(lab, "w1");
      const ref = (name: string): StreamRef => ({ runId: owned.runId, name });
      await append(lab.world, ref("ended"), ["0"], true);
      const chunks = [
        { name: "a", data: bytes("1") },
        { name: "a", data: null },
        { name: "ended", data: null },
        { name: "empty", data: null },
      ];
      const one = commitOf(owned, 0, ["x"], { chunks });
      await mustCommit(lab.world, one);
      await mustCommit(lab.world, one);
      for (const [name, length] of [
        ["a", 1],
        ["ended", 1],
        ["empty", 0],
      ] as const) {
        const page = await lab.world.streams.read(ref(name), 0);
        assert.deepEqual([page.length, page.done], [length, true]);
      }
      const after = [
        { name: "b", data: null },
        { name: "b", data: bytes("2") },
      ];
      assert.equal((await commit(lab.world, commitOf(owned, 1, ["y"], { chunks: after }))).status, "failed");
      assert.equal((await lab.world.streams.read(ref("b"), 0)).done, false);
    },
  },
  {
    name: "a stream outlives its run, and may still be written and closed",
    async run(lab) {
      const owned = await start(lab, "w1");
      const chunks = [{ name: "out", data: bytes("a") }];
      await mustCommit(lab.world, commitOf(owned, 0, ["x"], { chunks, patch: { status: "completed" } }));
      const stream = { runId: owned.runId, name: "out" };
      assert.equal(await append(lab.world, stream, ["b"], true), 1);
      const page = await lab.world.streams.read(stream, 0);
      assert.deepEqual([texts(page), page.done, page.run], [["a", "b"], true, "completed"]);
    },
  },
  {
    name: "chunks keep every byte value, may be empty, and may be large",
    async run({ world }) {
      const stream = { runId: (await create(world)).id, name: "потік 🌊" };
      const every = Uint8Array.from({ length: 256 }, (_, index) => index);
      const chunks = [every, new Uint8Array(0), new Uint8Array(1024 * 1024).fill(9)];
      await world.streams.append([{ ...stream, chunks }]);
      assert.deepEqual((await world.streams.read(stream, 0)).chunks, chunks);
    },
  },
];
