import assert from "node:assert/strict";
import type { Commit, Message } from "../index.ts";
import {
  append,
  bytes,
  type Case,
  claim,
  claimOne,
  COMMITTED,
  commit,
  commitOf,
  create,
  messageTo,
  mustCommit,
  type Owned,
  recordOf,
  settle,
  several,
  SLEEP,
  start,
  startMany,
  takeOver,
  uuid,
  waitingOf,
} from "./lab.ts";

function messageFor(token: string, id: string): Message {
  return { id, to: { token }, kind: "hook", payload: bytes(id) };
}

export const outbox: readonly Case[] = [
  {
    name: "a commit delivers its messages to runs and to hooks, in order, and wakes who receives them",
    async run(lab) {
      const { world } = lab;
      const [sender, holder] = [await start(lab, "w1"), await start(lab, "w1")];
      const sleeper = await create(world, { dueAt: (await world.now()) + 90_000 });
      const hooks = [{ token: "t", operation: "op", metadata: null }];
      await mustCommit(world, commitOf(holder, 0, ["a"], { ...SLEEP, hooks }));
      const payload = Uint8Array.from({ length: 256 }, (_, index) => index);
      const messages = [
        { id: "1", to: { runId: sleeper.id }, kind: "child", payload },
        messageFor("t", "hooked"),
        messageTo(sleeper.id, "2", ""),
      ];
      await mustCommit(world, commitOf(sender, 0, ["a"], { messages }));
      assert.deepEqual((await world.load(sleeper.id)).messages, [
        { runId: sleeper.id, id: "1", kind: "child", operation: null, payload },
        { runId: sleeper.id, id: "2", kind: "wake", operation: null, payload: new Uint8Array(0) },
      ]);
      const { messages: received } = await claim(lab, "w1", 0);
      assert.deepEqual(
        received.map(({ runId, id, operation }) => [runId, id, operation]),
        [[holder.runId, "hooked", "op"]],
      );
      assert.equal((await claimOne(lab, "w2")).runId, sleeper.id);
      assert.ok((await recordOf(world, holder.runId)).dueAt !== null);
    },
  },
  {
    name: "a commit that is fenced, behind or failed delivers nothing, and the others of its batch do",
    async run(lab) {
      const { world } = lab;
      const [good, fenced, behind, failed] = (await startMany(lab, "w1", 4)) as [Owned, Owned, Owned, Owned];
      const receiver = await create(world, { dueAt: (await world.now()) + 90_000 });
      const { dueAt } = receiver;
      const send = (id: string): Partial<Commit> => ({ messages: [messageTo(receiver.id, id)] });
      const closed = { runId: failed.runId, name: "closed" };
      await append(world, closed, [], true);
      const refused = [
        commitOf({ ...fenced, fence: 7 }, 0, ["x"], send("fenced")),
        commitOf(behind, 3, ["x"], send("behind")),
        commitOf(failed, 0, ["x"], { ...send("failed"), chunks: [{ name: "closed", data: bytes("c") }] }),
      ];
      const statuses = async (batch: readonly Commit[]): Promise<string[]> => (await world.commit(batch)).map(({ status }) => status);
      assert.deepEqual(await statuses(refused), ["fenced", "behind", "failed"]);
      assert.deepEqual([await waitingOf(world, receiver.id), (await recordOf(world, receiver.id)).dueAt], [[], dueAt]);
      const batch = [...refused, commitOf(good, 0, ["x"], send("good"))];
      assert.deepEqual(await statuses(batch), ["fenced", "behind", "failed", "committed"]);
      assert.deepEqual(await waitingOf(world, receiver.id), ["good"]);
    },
  },
  {
    name: "the retry of a commit delivers nothing twice, also when its message was consumed, and its token has another holder (race 4)",
    async run(lab) {
      const { world } = lab;
      const [sender, one, two] = (await startMany(lab, "w1", 3)) as [Owned, Owned, Owned];
      const hooks = [{ token: "t", operation: "op", metadata: null }];
      await mustCommit(world, commitOf(one, 0, ["a"], { hooks }));
      const sent = commitOf(sender, 0, ["a"], { messages: [messageFor("t", "m"), messageTo(one.runId, "n")] });
      await mustCommit(world, sent);
      assert.deepEqual(await world.commit([sent]), [COMMITTED]);
      assert.deepEqual(await waitingOf(world, one.runId), ["m", "n"]);
      await mustCommit(world, commitOf(one, 1, ["b"], { consumed: ["m", "n"], disposedHooks: ["op"], ...SLEEP }));
      await mustCommit(world, commitOf(two, 0, ["a"], { hooks, ...SLEEP }));
      assert.deepEqual(await world.commit([sent]), [COMMITTED]);
      for (const { runId } of [one, two]) {
        assert.deepEqual([await waitingOf(world, runId), (await recordOf(world, runId)).dueAt], [[], null]);
      }
    },
  },
  {
    name: "a message that was delivered before is not delivered again by a commit, nor the other way round",
    async run(lab) {
      const { world } = lab;
      const [sender, receiver] = [await start(lab, "w1"), await start(lab, "w1")];
      const [first, second] = [messageTo(receiver.runId, "m"), messageTo(receiver.runId, "n")];
      await world.deliver([first]);
      await mustCommit(world, commitOf(receiver, 0, ["a"], { consumed: ["m"], ...SLEEP }));
      await mustCommit(world, commitOf(sender, 0, ["a"], { messages: [first] }));
      assert.deepEqual([await waitingOf(world, receiver.runId), (await recordOf(world, receiver.runId)).dueAt], [[], null]);
      await mustCommit(world, commitOf(sender, 1, ["b"], { messages: [second, second] }));
      assert.deepEqual(await waitingOf(world, receiver.runId), ["n"]);
      assert.deepEqual(await world.deliver([second]), [{ status: "duplicate", runId: receiver.runId }]);
    },
  },
  {
    name: "messages to runs that do not exist, to runs that are over and to free tokens are dropped, and the commit stands",
    async run(lab) {
      const { world } = lab;
      const [sender, over, open] = (await startMany(lab, "w1", 3)) as [Owned, Owned, Owned];
      await mustCommit(world, commitOf(over, 0, ["a"], { patch: { status: "completed" } }));
      const messages = [messageTo(uuid(), "m"), messageTo("no uuid", "m"), messageTo(over.runId, "m"), messageFor("free", "m")];
      await mustCommit(world, commitOf(sender, 0, ["a"], { messages: [...messages, messageTo(open.runId, "m")] }));
      assert.deepEqual(await waitingOf(world, over.runId), []);
      assert.deepEqual(await waitingOf(world, open.runId), ["m"]);
    },
  },
  {
    name: "a run may write to itself, and then stays due; when the same commit ends it the message is dropped",
    async run(lab) {
      const { world } = lab;
      const owned = await start(lab, "w1");
      await mustCommit(world, commitOf(owned, 0, ["a"], { messages: [messageTo(owned.runId, "m")], ...SLEEP }));
      const { dueAt } = await recordOf(world, owned.runId);
      assert.ok(dueAt !== null && dueAt <= (await world.now()));
      assert.deepEqual(
        (await claim(lab, "w1")).messages.map(({ id }) => id),
        ["m"],
      );
      const hooks = [{ token: "t", operation: "op", metadata: null }];
      const consumed = ["m"];
      await mustCommit(world, commitOf(owned, 1, ["b"], { consumed, hooks, messages: [messageFor("t", "to own hook")], ...SLEEP }));
      assert.deepEqual(await waitingOf(world, owned.runId), ["to own hook"]);
      const end = { patch: { status: "completed" }, messages: [messageTo(owned.runId, "late")] } as const;
      await mustCommit(world, commitOf(owned, 2, ["c"], end));
      assert.deepEqual([await waitingOf(world, owned.runId), (await recordOf(world, owned.runId)).dueAt], [[], null]);
    },
  },
  {
    name: "two runs of one batch may write to each other, and neither sleeps past what it was sent",
    async run(lab) {
      const { world } = lab;
      const [one, two] = (await startMany(lab, "w1", 2)) as [Owned, Owned];
      const results = await world.commit([
        commitOf(one, 0, ["a"], { messages: [messageTo(two.runId, "from one")], ...SLEEP }),
        commitOf(two, 0, ["a"], { messages: [messageTo(one.runId, "from two")], ...SLEEP }),
      ]);
      assert.deepEqual(results, [COMMITTED, COMMITTED]);
      assert.deepEqual([await waitingOf(world, one.runId), await waitingOf(world, two.runId)], [["from two"], ["from one"]]);
      await world.release("w1", [one, two]);
      assert.equal((await claim(lab, "w2")).runs.length, 2);
    },
  },
  {
    name: "the commit that ends a run may send messages without a row, once; any other commit needs a row to send",
    async run(lab) {
      const { world } = lab;
      const [owned, receiver] = [await start(lab, "w1"), await start(lab, "w1")];
      const messages = [messageTo(receiver.runId, "m")];
      const rowless = commitOf(owned, 0, [], { messages });
      assert.equal((await commit(world, rowless)).status, "failed");
      assert.deepEqual(await waitingOf(world, receiver.runId), []);
      const last = { ...rowless, patch: { status: "failed", output: bytes("error") } } as const;
      for (let attempt = 0; attempt < 2; attempt++) await mustCommit(world, last);
      assert.deepEqual(await waitingOf(world, receiver.runId), ["m"]);
    },
  },
  {
    name: "a message that no World may store fails its commit alone",
    async run(lab) {
      const { world } = lab;
      const [owned, other, receiver] = (await startMany(lab, "w1", 3)) as [Owned, Owned, Owned];
      const good = messageTo(receiver.runId, "good");
      const bad = [
        { ...good, id: "" },
        { ...good, kind: "a\0b" },
        { ...good, payload: "text" as unknown as Uint8Array },
      ];
      for (const message of [...bad, { ...good, to: {} as { runId: string } }]) {
        const results = await world.commit([commitOf(owned, 0, ["x"], { messages: [good, message] }), commitOf(other, 0, [])]);
        assert.deepEqual(
          results.map(({ status }) => status),
          ["failed", "committed"],
        );
      }
      assert.deepEqual((await world.load(owned.runId)).rows, []);
      assert.deepEqual(await waitingOf(world, receiver.runId), []);
    },
  },
  {
    name: "a commit that sends hints at something due",
    async run(lab) {
      const { world } = lab;
      const [sender, receiver] = [await start(lab, "w1"), await create(lab.world)];
      let due = 0;
      const unwatch = world.watch(({ kind }) => void (due += kind === "due" ? 1 : 0));
      await mustCommit(world, commitOf(sender, 0, ["a"], { messages: [messageTo(receiver.id, "m")] }));
      await settle(() => due > 0);
      unwatch();
    },
  },
  {
    name: "a late commit that sends races a takeover: its message is there exactly if it was committed (race 3)",
    async run(lab) {
      const { world } = lab;
      const other = await lab.open();
      const old = await startMany(lab, "w1", 30);
      const receiver = await create(world, { dueAt: (await world.now()) + 9_000_000 });
      await lab.pass(lab.leaseMs + 1);
      const send = ({ runId }: Owned): Partial<Commit> => ({ messages: [messageTo(receiver.id, runId)] });
      const late = old.map((owned) => commit(world, commitOf(owned, 0, ["late"], send(owned))));
      const request = { worker: "w2", limit: 10, leaseMs: lab.leaseMs };
      await Promise.all([other.claim(request), world.claim(request), other.claim(request)]);
      const results = await Promise.all(late);
      const landed = old.filter((_, index) => results[index]!.status === "committed").map(({ runId }) => runId);
      assert.deepEqual((await waitingOf(world, receiver.id)).sort(), landed.sort());
    },
  },
  {
    name: "runs that write to one run at the same time lose no message, and none comes twice",
    async run(lab) {
      const worlds = await several(lab, 4);
      const senders = await startMany(lab, "w1", 24);
      const receiver = await start(lab, "w1");
      const send = async (owned: Owned, index: number): Promise<void> => {
        const sent = commitOf(owned, 0, ["a"], { messages: [messageTo(receiver.runId, owned.runId)] });
        // Each commit is made twice, as after a lost answer; the receiver is told by others too.
        await Promise.all([mustCommit(worlds[index % 4]!, sent), mustCommit(worlds[(index + 1) % 4]!, sent)]);
        await worlds[(index + 2) % 4]!.deliver(sent.messages!);
      };
      await Promise.all(senders.map(send));
      assert.deepEqual((await waitingOf(lab.world, receiver.runId)).sort(), senders.map(({ runId }) => runId).sort());
    },
  },
  {
    name: "a message that was sent survives a takeover of its sender and of its receiver",
    async run(lab) {
      const { world } = lab;
      const [sender, receiver] = [await start(lab, "w1"), await create(world)];
      await mustCommit(world, commitOf(sender, 0, ["a"], { messages: [messageTo(receiver.id, "m")], ...SLEEP }));
      await claimOne(lab, "w1");
      const taken = await takeOver(lab, "w2");
      assert.deepEqual([taken.runId, await waitingOf(world, receiver.id)], [receiver.id, ["m"]]);
    },
  },
];
