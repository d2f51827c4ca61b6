import assert from "node:assert/strict";
import type { Commit, StateEntry, StateWrite, World } from "../index.ts";
import { bytes, type Case, commit, commitOf, mustCommit, settle, several, start, text, uuid } from "./lab.ts";

function set(key: string, value: string | null): StateWrite {
  return { key, value: value === null ? null : bytes(value) };
}

/** `key=value@version`, in the order of keys. */
async function stateOf(world: World, runId: string, key?: string): Promise<string[]> {
  const entries = key === undefined ? await world.query.state(runId) : await world.query.state(runId, key);
  return entries.map((entry: StateEntry) => `${entry.key}=${text(entry.value)}@${entry.version}`).sort();
}

export const state: readonly Case[] = [
  {
    name: "a commit publishes state; the version of a key counts its writes, also equal ones and removals",
    async run(lab) {
      const { world } = lab;
      const { runId, ...lease } = await start(lab, "w1");
      const owned = { runId, ...lease };
      assert.deepEqual(await stateOf(world, runId), []);
      await mustCommit(world, commitOf(owned, 0, ["a"], { state: [set("a", "1"), set("ключ 🔑", "x")] }));
      assert.deepEqual(await stateOf(world, runId), ["a=1@1", "ключ 🔑=x@1"]);
      await mustCommit(world, commitOf(owned, 1, ["b"], { state: [set("a", "1")] }));
      assert.deepEqual(await stateOf(world, runId), ["a=1@2", "ключ 🔑=x@1"]);
      await mustCommit(world, commitOf(owned, 2, ["c"], { state: [set("a", null), set("never", null)] }));
      assert.deepEqual(await stateOf(world, runId), ["ключ 🔑=x@1"]);
      await mustCommit(world, commitOf(owned, 3, ["d"], { state: [set("a", "1"), set("b", ""), set("b", "2")] }));
      assert.deepEqual(await stateOf(world, runId), ["a=1@4", "b=2@2", "ключ 🔑=x@1"]);
      assert.deepEqual(await stateOf(world, runId, "b"), ["b=2@2"]);
      for (const none of ["", "B", "never", "other"]) assert.deepEqual(await stateOf(world, runId, none), []);
      assert.deepEqual(await stateOf(world, uuid()), []);
      assert.deepEqual(await stateOf(world, "no uuid", "a"), []);
    },
  },
  {
    name: "state keeps every byte value, may be empty, and may be large; runs are apart; it stays when its run is over",
    async run(lab) {
      const { world } = lab;
      const [one, two] = [await start(lab, "w1"), await start(lab, "w1")];
      const every = Uint8Array.from({ length: 256 }, (_, index) => index);
      const values = { every, empty: new Uint8Array(0), large: new Uint8Array(1024 * 1024).fill(9) };
      const writes = Object.entries(values).map(([key, value]) => ({ key, value }));
      await mustCommit(world, commitOf(one, 0, ["a"], { state: writes, patch: { status: "completed" } }));
      await mustCommit(world, commitOf(two, 0, ["a"], { state: [set("every", "other")] }));
      for (const [key, value] of Object.entries(values)) {
        assert.deepEqual(await world.query.state(one.runId, key), [{ key, value, version: 1 }]);
      }
      assert.equal((await world.query.state(one.runId)).length, 3);
      assert.deepEqual(await stateOf(world, two.runId), ["every=other@1"]);
      await mustCommit(world, commitOf(two, 1, [], { patch: { status: "failed" }, state: [set("last", "words")] }));
      await mustCommit(world, commitOf(two, 1, [], { patch: { status: "failed" }, state: [set("last", "words")] }));
      assert.deepEqual(await stateOf(world, two.runId), ["every=other@1", "last=words@1"]);
    },
  },
  {
    name: "the retry of a commit publishes nothing twice (race 4), and a commit that is refused publishes nothing (race 3)",
    async run(lab) {
      const { world } = lab;
      const owned = await start(lab, "w1");
      const one = commitOf(owned, 0, ["a"], { state: [set("a", "1")] });
      for (let attempt = 0; attempt < 3; attempt++) await mustCommit(world, one);
      assert.deepEqual(await stateOf(world, owned.runId), ["a=1@1"]);
      const writes = [set("a", "x"), set("b", "x")];
      const refused: [Commit, string][] = [
        [commitOf({ ...owned, fence: 9 }, 1, ["x"], { state: writes }), "fenced"],
        [commitOf(owned, 4, ["x"], { state: writes }), "behind"],
        [commitOf(owned, 1, [], { state: writes }), "failed"],
        [commitOf(owned, 1, ["x"], { state: [...writes, set("", "x")] }), "failed"],
        [commitOf(owned, 1, ["x"], { state: [...writes, set("k".repeat(513), "x")] }), "failed"],
        [commitOf(owned, 1, ["x"], { state: [...writes, { key: "a", value: "text" as unknown as Uint8Array }] }), "failed"],
      ];
      for (const [bad, status] of refused) assert.equal((await commit(world, bad)).status, status);
      assert.deepEqual(await stateOf(world, owned.runId), ["a=1@1"]);
    },
  },
  {
    name: "a commit that publishes state hints at it, and others do not",
    async run(lab) {
      const { world } = lab;
      const owned = await start(lab, "w1");
      const heard: string[] = [];
      const unwatch = world.watch((hint) => {
        if (hint.kind === "state") heard.push(hint.runId);
      });
      await mustCommit(world, commitOf(owned, 0, ["a"]));
      await mustCommit(world, commitOf(owned, 1, ["b"], { state: [] }));
      await new Promise((resolve) => setTimeout(resolve, 20));
      assert.equal(heard.length, 0);
      await mustCommit(world, commitOf(owned, 2, ["c"], { state: [set("a", "1"), set("b", "1")] }));
      await settle(() => heard.includes(owned.runId));
      unwatch();
    },
  },
  {
    name: "who reads while a run publishes sees all of a commit or nothing of it, and versions that never fall",
    async run(lab) {
      const [writer, reader] = (await several(lab, 2)) as [World, World];
      const owned = await start(lab, "w1");
      let done = false;
      const read = async (): Promise<number> => {
        let last = 0;
        for (let reads = 0; ; reads++) {
          const over = done;
          const entries = await reader.query.state(owned.runId);
          assert.ok(entries.length === 0 || entries.length === 2);
          const [one, two] = entries;
          assert.deepEqual([one?.version, one?.value], [two?.version, two?.value]);
          assert.ok((one?.version ?? 0) >= last);
          last = one?.version ?? last;
          if (over) return last;
          await new Promise((resolve) => setTimeout(resolve, reads % 2));
        }
      };
      const reading = read();
      for (let turn = 0; turn < 30; turn++) {
        await mustCommit(writer, commitOf(owned, turn, ["x"], { state: [set("one", `${turn}`), set("two", `${turn}`)] }));
      }
      done = true;
      assert.equal(await reading, 30);
    },
  },
];
