import assert from "node:assert/strict";
import { bytes, type Case, claim, claimOne, commitOf, create, mustCommit, newRun, recordOf, rejectsWith, start } from "./lab.ts";

export const runs: readonly Case[] = [
  {
    name: "a created run is open, due now, without an owner, at fence 0",
    async run({ world }) {
      const from = await world.now();
      const spec = newRun({ key: "order-1" });
      const [result] = await world.createRuns([spec]);
      const { run, created } = result!;
      assert.equal(created, true);
      const { createdAt, dueAt, ...rest } = run;
      assert.ok(createdAt >= from && createdAt <= (await world.now()));
      assert.equal(dueAt, createdAt);
      assert.deepEqual(rest, {
        id: spec.id,
        key: "order-1",
        workflowId: spec.workflowId,
        version: spec.version,
        parent: null,
        attributes: {},
        status: "running",
        input: bytes("input"),
        output: null,
        note: null,
        owner: null,
        fence: 0,
        endedAt: null,
        successor: null,
      });
      assert.deepEqual(await world.query.run({ id: spec.id }), run);
    },
  },
  {
    name: "a run that is created with an owner belongs to it at fence 1, and to nobody else",
    async run(lab) {
      const owned = await start(lab, "w1");
      assert.equal(owned.fence, 1);
      assert.equal((await recordOf(lab.world, owned.runId)).owner, "w1");
      assert.deepEqual((await claim(lab, "w2")).runs, []);
      assert.deepEqual((await claim(lab, "w1")).runs, []);
      await mustCommit(lab.world, commitOf(owned, 0, ["a"]));
    },
  },
  {
    name: "creating a run again by its id reports the existing one and leaves it alone, also when it is over",
    async run(lab) {
      const owned = await start(lab, "w1");
      await mustCommit(lab.world, commitOf(owned, 0, ["a"], { patch: { status: "completed", output: bytes("out") } }));
      const before = await recordOf(lab.world, owned.runId);
      const again = newRun({ id: owned.runId, input: bytes("other"), workflowId: "other#flow" });
      assert.deepEqual(await lab.world.createRuns([again], { owner: "w2" }), [{ run: before, created: false, replaced: null }]);
      assert.deepEqual(await recordOf(lab.world, owned.runId), before);
    },
  },
  {
    name: "creating a run with a key that is taken reports the run that has it",
    async run({ world }) {
      const first = await create(world, { key: "k" });
      const second = newRun({ key: "k" });
      assert.deepEqual(await world.createRuns([second]), [{ run: first, created: false, replaced: null }]);
      assert.equal(await world.query.run({ id: second.id }), null);
    },
  },
  {
    name: "a batch of new runs is answered in its order, duplicates within it included",
    async run({ world }) {
      const old = await create(world, { key: "old" });
      const [a, b] = [newRun({ key: "a" }), newRun()];
      const results = await world.createRuns([a, newRun({ key: "old" }), b, newRun({ key: "a" }), newRun({ id: b.id })]);
      assert.deepEqual(
        results.map(({ run, created }) => [run.id, created]),
        [
          [a.id, true],
          [old.id, false],
          [b.id, true],
          [a.id, false],
          [b.id, false],
        ],
      );
    },
  },
  {
    name: "a batch with a run that no World may store creates none",
    async run({ world }) {
      const good = newRun();
      const bad = [
        newRun({ id: "NOT-A-UUID" }),
        newRun({ key: "" }),
        newRun({ key: "k".repeat(513) }),
        newRun({ key: "a\0b" }),
        newRun({ key: "\ud800" }),
      ];
      for (const run of bad) await rejectsWith("WORLD_INVALID_ARGUMENT", world.createRuns([good, run]));
      assert.equal(await world.query.run({ id: good.id }), null);
    },
  },
  {
    name: "keys of 512 characters and beyond ASCII are kept exactly, and differ by case and accent",
    async run({ world }) {
      const keys = ["k".repeat(512), "ключ 🔑", "a", "A", "ä", "a ", " a", "%", "a_"];
      for (const key of keys) await create(world, { key });
      for (const key of keys) assert.equal((await world.query.run({ key }))?.key, key);
    },
  },
  {
    name: "input and output keep every byte value, may be empty, and may be large",
    async run(lab) {
      const every = Uint8Array.from({ length: 512 }, (_, index) => index % 256);
      const large = new Uint8Array(1024 * 1024).map((_, index) => (index * 31) % 251);
      for (const data of [every, new Uint8Array(0), bytes(""), Buffer.alloc(0), large, Buffer.from("a buffer"), every.subarray(5, 9)]) {
        const owned = await start(lab, "w1", { input: data });
        const patch = { status: "completed", output: data } as const;
        await mustCommit(lab.world, { ...owned, base: 0, rows: [data], patch });
        const run = await recordOf(lab.world, owned.runId);
        assert.deepEqual(run.input, new Uint8Array(data));
        assert.deepEqual(run.output, new Uint8Array(data));
        assert.deepEqual((await lab.world.load(owned.runId)).rows, [{ seq: 1, data: new Uint8Array(data) }]);
      }
    },
  },
  {
    name: "bytes are taken when a call is made: a buffer may be used again afterwards",
    async run(lab) {
      const buffer = bytes("first");
      const owned = await start(lab, "w1", { input: buffer });
      await mustCommit(lab.world, { ...owned, base: 0, rows: [buffer] });
      buffer.fill(0);
      assert.deepEqual((await recordOf(lab.world, owned.runId)).input, bytes("first"));
      const { rows } = await lab.world.load(owned.runId);
      rows[0]!.data.fill(0);
      assert.deepEqual((await lab.world.load(owned.runId)).rows[0]!.data, bytes("first"));
    },
  },
  {
    name: "creating no runs is allowed",
    async run({ world }) {
      assert.deepEqual(await world.createRuns([]), []);
    },
  },
  {
    name: "a released run is due as before, keeps its fence until it is claimed, and is claimed at the next one",
    async run(lab) {
      const owned = await start(lab, "w1");
      await lab.world.release("w1", [owned]);
      const { owner, fence } = await recordOf(lab.world, owned.runId);
      assert.deepEqual([owner, fence], [null, 1]);
      assert.deepEqual(await claimOne(lab, "w2"), { runId: owned.runId, fence: 2, worker: "w2" });
    },
  },
  {
    name: "a closed World refuses every call",
    async run({ world, open }) {
      const other = await open();
      await world.close();
      await world.close();
      await rejectsWith("WORLD_CLOSED", world.now());
      await rejectsWith("WORLD_CLOSED", world.setup());
      await rejectsWith("WORLD_CLOSED", world.createRuns([newRun()]));
      await rejectsWith("WORLD_CLOSED", world.commit([]));
      await rejectsWith("WORLD_CLOSED", world.claim({ worker: "w", limit: 1, leaseMs: 1000 }));
      await rejectsWith("WORLD_CLOSED", world.query.runs());
      if (other !== world) await create(other);
    },
  },
  {
    name: "setting up again changes nothing",
    async run({ world }) {
      const run = await create(world);
      await Promise.all([world.setup(), world.setup()]);
      assert.deepEqual(await recordOf(world, run.id), run);
    },
  },
];
