import assert from "node:assert/strict";
import {
  bytes,
  type Case,
  claim,
  claimOne,
  commit,
  commitOf,
  create,
  messageTo,
  mustCommit,
  recordOf,
  rejectsWith,
  settle,
  start,
  waitingOf,
} from "./lab.ts";

export const messages: readonly Case[] = [
  {
    name: "a message wakes its run, is loaded with it, and is gone once a commit consumed it",
    async run(lab) {
      const run = await create(lab.world, { dueAt: (await lab.world.now()) + 90_000 });
      const payload = Uint8Array.from({ length: 256 }, (_, index) => index);
      const sent = { id: "m", to: { runId: run.id }, kind: "cancel", payload };
      assert.deepEqual(await lab.world.deliver([sent]), [{ status: "delivered", runId: run.id }]);
      const owned = await claimOne(lab, "w1");
      const { messages: waiting } = await lab.world.load(run.id);
      assert.deepEqual(waiting, [{ runId: run.id, id: "m", kind: "cancel", operation: null, payload }]);
      await mustCommit(lab.world, commitOf(owned, 0, ["a"], { consumed: ["m"] }));
      assert.deepEqual(await waitingOf(lab.world, run.id), []);
      assert.deepEqual((await claim(lab, "w1")).messages, []);
    },
  },
  {
    name: "the owner hears of messages by its claims, in order of delivery, again and again until they are consumed",
    async run(lab) {
      const [one, two] = [await start(lab, "w1"), await start(lab, "w1")];
      await start(lab, "w2");
      await lab.world.deliver([messageTo(one.runId, "b"), messageTo(two.runId, "a")]);
      await lab.world.deliver([messageTo(one.runId, "c", "")]);
      for (let poll = 0; poll < 2; poll++) {
        const received = (await claim(lab, "w1", poll)).messages;
        const ofOne = received.filter(({ runId }) => runId === one.runId);
        assert.deepEqual(
          ofOne.map(({ id }) => id),
          ["b", "c"],
        );
        assert.deepEqual(
          received.filter(({ runId }) => runId === two.runId).map(({ id }) => id),
          ["a"],
        );
      }
      assert.deepEqual((await claim(lab, "w2")).messages, []);
      await mustCommit(lab.world, commitOf(one, 0, ["x"], { consumed: ["b"] }));
      assert.deepEqual((await claim(lab, "w1")).messages.map(({ id }) => id).sort(), ["a", "c"]);
    },
  },
  {
    name: "the messages of a run that a claim has just given are not among that claim's messages",
    async run(lab) {
      const run = await create(lab.world);
      await lab.world.deliver([messageTo(run.id, "m")]);
      const first = await claim(lab, "w1");
      assert.deepEqual([first.runs.length, first.messages], [1, []]);
      assert.deepEqual(
        (await claim(lab, "w1")).messages.map(({ id }) => id),
        ["m"],
      );
    },
  },
  {
    name: "a second delivery is a duplicate, also after the message was consumed and after the run is over",
    async run(lab) {
      const owned = await start(lab, "w1");
      const deliver = async (): Promise<string> => (await lab.world.deliver([messageTo(owned.runId, "m")]))[0]!.status;
      assert.deepEqual([await deliver(), await deliver()], ["delivered", "duplicate"]);
      assert.deepEqual(await waitingOf(lab.world, owned.runId), ["m"]);
      await mustCommit(lab.world, commitOf(owned, 0, ["a"], { consumed: ["m"], patch: { dueAt: null } }));
      assert.equal(await deliver(), "duplicate");
      assert.deepEqual(await waitingOf(lab.world, owned.runId), []);
      assert.equal((await recordOf(lab.world, owned.runId)).dueAt, null);
      await mustCommit(lab.world, commitOf(owned, 1, ["b"], { patch: { status: "completed" } }));
      assert.equal(await deliver(), "duplicate");
    },
  },
  {
    name: "the same message id may go to two runs",
    async run(lab) {
      const [one, two] = [await create(lab.world), await create(lab.world)];
      const results = await lab.world.deliver([messageTo(one.id, "m"), messageTo(two.id, "m"), messageTo(one.id, "m")]);
      assert.deepEqual(
        results.map(({ status }) => status),
        ["delivered", "delivered", "duplicate"],
      );
    },
  },
  {
    name: "a message to a run that is over has ended, one to nobody is not found, each in its place in the batch",
    async run(lab) {
      const [over, open] = [await start(lab, "w1"), await start(lab, "w1")];
      await mustCommit(lab.world, commitOf(over, 0, [], { patch: { status: "cancelled" } }));
      const results = await lab.world.deliver([
        messageTo("01890a5d-ac96-774b-bcce-b302099a8057", "m"),
        messageTo(over.runId, "m"),
        { ...messageTo("", "m"), to: { token: "nobody's" } },
        messageTo(open.runId, "m"),
      ]);
      assert.deepEqual(results, [
        { status: "not_found" },
        { status: "ended", runId: over.runId },
        { status: "not_found" },
        { status: "delivered", runId: open.runId },
      ]);
      assert.deepEqual(await lab.world.deliver([]), []);
    },
  },
  {
    name: "a message that no World may store is refused with its whole batch",
    async run(lab) {
      const run = await create(lab.world);
      for (const id of ["", "i".repeat(513), "a\0b"]) {
        await rejectsWith("WORLD_INVALID_ARGUMENT", lab.world.deliver([messageTo(run.id, "good"), messageTo(run.id, id)]));
      }
      assert.deepEqual(await waitingOf(lab.world, run.id), []);
    },
  },
  {
    name: "consuming a message that is not there does no harm",
    async run(lab) {
      const owned = await start(lab, "w1");
      await lab.world.deliver([messageTo(owned.runId, "m")]);
      await mustCommit(lab.world, commitOf(owned, 0, ["a"], { consumed: ["m", "m", "other"], patch: { dueAt: null } }));
      assert.equal((await recordOf(lab.world, owned.runId)).dueAt, null);
      await lab.world.deliver([messageTo(owned.runId, "n")]);
      assert.deepEqual(
        (await claim(lab, "w1")).messages.map(({ id }) => id),
        ["n"],
      );
    },
  },
  {
    name: "messages survive a takeover and reach the new owner",
    async run(lab) {
      const owned = await start(lab, "w1");
      await lab.world.deliver([messageTo(owned.runId, "m")]);
      assert.deepEqual((await claim(lab, "w1")).messages.length, 1);
      await lab.pass(lab.leaseMs + 1);
      const taken = await claimOne(lab, "w2");
      assert.deepEqual(await waitingOf(lab.world, owned.runId), ["m"]);
      assert.deepEqual(await commit(lab.world, commitOf(owned, 0, ["x"], { consumed: ["m"] })), { status: "fenced" });
      assert.deepEqual(await waitingOf(lab.world, owned.runId), ["m"]);
      await mustCommit(lab.world, commitOf(taken, 0, ["a"], { consumed: ["m"] }));
    },
  },
  {
    name: "a delivery to a run hints at something due, and the end of a run at its end",
    async run(lab) {
      const owned = await start(lab, "w1");
      const hints: string[] = [];
      const unwatch = lab.world.watch((hint) => hints.push("runId" in hint ? `${hint.kind} ${hint.runId}` : hint.kind));
      await lab.world.deliver([messageTo(owned.runId, "m")]);
      await settle(() => hints.includes("due"));
      await mustCommit(lab.world, commitOf(owned, 0, [], { patch: { status: "completed", output: bytes("o") } }));
      await settle(() => hints.includes(`ended ${owned.runId}`));
      unwatch();
      unwatch();
      const heard = hints.length;
      await create(lab.world);
      await new Promise((resolve) => setTimeout(resolve, 20));
      assert.equal(hints.length, heard);
    },
  },
];
