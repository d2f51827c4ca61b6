import assert from "node:assert/strict";
import { bytes, type Case, claim, commit, commitOf, create, messageTo, mustCommit, recordOf, start, uuid } from "./lab.ts";

export const durability: readonly Case[] = [
  {
    name: "all that was acknowledged is there after the store was closed and opened again",
    needs: "durable",
    async run(lab) {
      const parent = { runId: uuid(), operation: "op" };
      const owned = await start(lab, "w1", { key: "k", parent, attributes: { plan: "pro", seats: 3, trial: false } });
      const sleeper = await create(lab.world, { dueAt: (await lab.world.now()) + 90_000 });
      const one = commitOf(owned, 0, ["a", "b"], {
        hooks: [{ token: "t", operation: "op", metadata: bytes("meta") }],
        chunks: [{ name: "out", data: bytes("chunk") }],
        state: [{ key: "progress", value: bytes("half") }],
        messages: [messageTo(owned.runId, "self")],
        patch: { note: "waits", dueAt: null, attributes: { seats: 4 } },
      });
      await mustCommit(lab.world, one);
      await lab.world.deliver([{ id: "m", to: { token: "t" }, kind: "hook", payload: bytes("p") }]);
      await lab.world.code.put("hash", bytes("code"));
      const before = [await recordOf(lab.world, owned.runId), await lab.world.load(owned.runId), await recordOf(lab.world, sleeper.id)];
      await lab.world.close();

      const world = await lab.open();
      assert.deepEqual([await recordOf(world, owned.runId), await world.load(owned.runId), await recordOf(world, sleeper.id)], before);
      assert.deepEqual(await world.query.run({ key: "k" }), before[0]);
      assert.deepEqual((await world.streams.read({ runId: owned.runId, name: "out" }, 0)).chunks, [bytes("chunk")]);
      assert.deepEqual(await world.code.get("hash"), bytes("code"));
      assert.deepEqual(await world.query.state(owned.runId), [{ key: "progress", value: bytes("half"), version: 1 }]);
      const attributes = { plan: "pro", seats: 4, trial: false };
      for (const by of [{ parent: parent.runId }, { attributes }]) assert.deepEqual((await world.query.runs(by)).runs, [before[0]]);
      assert.equal((await world.query.hook("t"))?.runId, owned.runId);
      assert.deepEqual(await commit(world, one), { status: "committed", conflicts: [] });
      assert.deepEqual(
        (await claim({ ...lab, world }, "w1")).messages.map(({ id }) => id),
        ["self", "m"],
      );
      await mustCommit(world, commitOf(owned, 2, ["c"], { consumed: ["m", "self"] }));
    },
  },
  {
    name: "one World sees at once what another World on the same store has acknowledged",
    needs: "processes",
    async run(lab) {
      const other = await lab.open();
      assert.notEqual(other, lab.world);
      const owned = await start(lab, "w1");
      await mustCommit(lab.world, commitOf(owned, 0, ["a"]));
      assert.equal((await other.load(owned.runId)).rows.length, 1);
      await other.deliver([{ id: "m", to: { runId: owned.runId }, kind: "wake", payload: bytes("p") }]);
      assert.deepEqual(
        (await claim(lab, "w1")).messages.map(({ id }) => id),
        ["m"],
      );
      assert.deepEqual(await recordOf(other, owned.runId), await recordOf(lab.world, owned.runId));
    },
  },
];
