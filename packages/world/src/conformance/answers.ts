import assert from "node:assert/strict";
import type { ReceivedMessage } from "../index.ts";
import {
  childOf,
  answersOf,
  awaitKey,
  awaitOf,
  bytes,
  type Case,
  claim,
  claimOne,
  commit,
  commitOf,
  continueAs,
  create,
  DONE,
  messageTo,
  mustCommit,
  newRun,
  type Owned,
  recordOf,
  settle,
  sleeperThatAwaits,
  SLEEP,
  start,
  startMany,
  uuid,
  waitingOf,
} from "./lab.ts";

/** What a run that awaits others is told. */
export const answers: readonly Case[] = [
  {
    name: "the end of a run is told to the run that awaits it: operation, status and output, in the same commit",
    async run(lab) {
      const { world } = lab;
      const output = Uint8Array.from({ length: 256 }, (_, index) => index);
      for (const status of ["completed", "failed", "cancelled"] as const) {
        const awaited = await start(lab, "w2");
        const { runId } = await sleeperThatAwaits(lab, "w1", awaitOf(awaited.runId));
        assert.deepEqual([await waitingOf(world, runId), (await recordOf(world, runId)).dueAt], [[], null]);
        await mustCommit(world, commitOf(awaited, 0, ["a"]));
        assert.deepEqual(await waitingOf(world, runId), []);
        await mustCommit(world, commitOf(awaited, 1, ["b"], { patch: { status, output } }));
        const answer: ReceivedMessage = { runId, id: "ended:op", kind: "ended", operation: "op", payload: new Uint8Array() };
        const payload = new Uint8Array([...bytes(`${status}\n`), ...output]);
        assert.deepEqual((await world.load(runId)).messages, [{ ...answer, payload }]);
        const { dueAt } = await recordOf(world, runId);
        assert.ok(dueAt !== null && dueAt <= (await world.now()));
      }
    },
  },
  {
    name: "a run without an output answers with its status alone",
    async run(lab) {
      const [awaited, empty] = [await start(lab, "w2"), await start(lab, "w2")];
      const owned = await sleeperThatAwaits(lab, "w1", awaitOf(awaited.runId, "null"), awaitOf(empty.runId, "empty"));
      await mustCommit(lab.world, commitOf(awaited, 0, ["a"], { patch: { status: "completed" } }));
      await mustCommit(lab.world, commitOf(empty, 0, ["a"], { patch: { status: "completed", output: bytes("") } }));
      assert.deepEqual(await answersOf(lab, owned.runId), ["null completed\n", "empty completed\n"]);
    },
  },
  {
    name: "an answer makes a run due that nobody owns, and reaches the owner of one by its claim",
    async run(lab) {
      const { world } = lab;
      const awaited = await start(lab, "w3");
      const owned = await sleeperThatAwaits(lab, "w1", awaitOf(awaited.runId));
      const dormant = await sleeperThatAwaits(lab, "w1", awaitOf(awaited.runId));
      await world.release("w1", [dormant]);
      assert.deepEqual((await claim(lab, "w2")).runs, []);
      await mustCommit(world, commitOf(awaited, 0, ["a"], DONE));
      assert.equal((await claimOne(lab, "w2")).runId, dormant.runId);
      const { messages } = await claim(lab, "w1", 0);
      assert.deepEqual(
        messages.map(({ runId, id, operation }) => [runId, id, operation]),
        [[owned.runId, "ended:op", "op"]],
      );
      await mustCommit(world, commitOf(owned, 1, ["b"], { consumed: ["ended:op"], ...SLEEP }));
      assert.deepEqual([await waitingOf(world, owned.runId), (await recordOf(world, owned.runId)).dueAt], [[], null]);
    },
  },
  {
    name: "an end from outside and a replacement answer, with the output that they give",
    async run(lab) {
      const { world } = lab;
      const [ended, replaced, nulled, inCommit] = await Promise.all(["a", "b", "c", "d"].map((key) => create(world, { key })));
      const awaits = [ended!, replaced!, nulled!, inCommit!].map(({ id, key }) => awaitOf(id, key!));
      const owned = await sleeperThatAwaits(lab, "w1", ...awaits);
      await world.end(ended!.id, { status: "failed", output: bytes("error"), note: "n" });
      assert.equal(await world.end(ended!.id, { status: "cancelled", output: null, note: null }), "already");
      const replaceOutput = bytes("replaced");
      await world.createRuns([newRun({ key: "b", ifKeyExists: "replace", replaceOutput }), newRun({ key: "c", ifKeyExists: "replace" })]);
      const other = await start(lab, "w2");
      const runs = [childOf(other, { key: "d", ifKeyExists: "replace", replaceOutput })];
      await mustCommit(world, commitOf(other, 0, ["a"], { runs }));
      const answers = ["a failed\nerror", "b cancelled\nreplaced", "c cancelled\n", "d cancelled\nreplaced"];
      const [first, second, third, ...rest] = await answersOf(lab, owned.runId);
      // The replacements of one call answer in any order.
      assert.deepEqual([first, ...[second, third].sort(), ...rest], answers);
      assert.ok((await recordOf(world, owned.runId)).dueAt !== null);
    },
  },
  {
    name: "a run that is over answers the commit that awaits it, by id and by key, and so does one that does not exist",
    async run(lab) {
      const { world } = lab;
      const over = await start(lab, "w1", { key: "k" });
      await mustCommit(world, commitOf(over, 0, ["a"], DONE));
      const unknown = [awaitOf(uuid(), "no run"), awaitOf("no uuid", "no uuid"), awaitKey("none", "no key")];
      const owned = await sleeperThatAwaits(lab, "w1", awaitOf(over.runId, "id"), awaitKey("k", "key"), ...unknown);
      const answers = ["id completed\nout", "key completed\nout", "no key not_found\n", "no run not_found\n", "no uuid not_found\n"];
      assert.deepEqual((await answersOf(lab, owned.runId)).sort(), answers);
      const { messages } = await world.load(owned.runId);
      assert.deepEqual(
        messages.find(({ operation }) => operation === "no key"),
        {
          runId: owned.runId,
          id: "ended:no key",
          kind: "ended",
          operation: "no key",
          payload: bytes("not_found\n"),
        },
      );
      const { dueAt } = await recordOf(world, owned.runId);
      assert.ok(dueAt !== null && dueAt <= (await world.now()));
    },
  },
  {
    name: "an end that is fenced, behind or failed answers nobody",
    async run(lab) {
      const { world } = lab;
      const awaited = await start(lab, "w1");
      const owned = await sleeperThatAwaits(lab, "w1", awaitOf(awaited.runId));
      const refused = [
        commitOf({ ...awaited, fence: 7 }, 0, ["x"], DONE),
        commitOf(awaited, 3, ["x"], DONE),
        commitOf(awaited, 0, ["x"], { ...DONE, awaits: [awaitOf(uuid(), "")] }),
      ];
      for (const one of refused) assert.notEqual((await commit(world, one)).status, "committed");
      assert.deepEqual([await waitingOf(world, owned.runId), (await recordOf(world, owned.runId)).dueAt], [[], null]);
    },
  },
  {
    name: "an answer comes once, whatever is committed again: the await, the end, or both, also after it was consumed",
    async run(lab) {
      const { world } = lab;
      const [awaited, owned] = [await start(lab, "w2"), await start(lab, "w1")];
      const asks = commitOf(owned, 0, ["a"], { ...SLEEP, awaits: [awaitOf(awaited.runId), awaitOf(uuid(), "none")] });
      const ends = commitOf(awaited, 0, ["a"], DONE);
      for (const one of [asks, asks, ends, asks, ends]) await mustCommit(world, one);
      assert.deepEqual(await answersOf(lab, owned.runId), ["none not_found\n", "op completed\nout"]);
      await mustCommit(world, commitOf(owned, 1, ["b"], { consumed: ["ended:op", "ended:none"], ...SLEEP }));
      for (const one of [asks, ends]) await mustCommit(world, one);
      assert.deepEqual([await waitingOf(world, owned.runId), (await recordOf(world, owned.runId)).dueAt], [[], null]);
    },
  },
  {
    name: "all who await a run are answered, and one run may await many, in the order in which they end",
    async run(lab) {
      const { world } = lab;
      const awaited = await startMany(lab, "w2", 3);
      const all = awaited.map(({ runId }, index) => awaitOf(runId, `op${index}`));
      const owned = await Promise.all([1, 2, 3].map(() => sleeperThatAwaits(lab, "w1", ...all, awaitOf(awaited[1]!.runId, "twice"))));
      for (const one of [...awaited].reverse()) await mustCommit(world, commitOf(one, 0, ["a"], DONE));
      for (const { runId } of owned) {
        assert.deepEqual(await waitingOf(world, runId), ["ended:op2", "ended:op1", "ended:twice", "ended:op0"]);
      }
    },
  },
  {
    name: "what a run sends in its last commit arrives before the answer",
    async run(lab) {
      const { world } = lab;
      const child = await start(lab, "w2");
      const parent = await sleeperThatAwaits(lab, "w1", awaitOf(child.runId));
      await mustCommit(world, commitOf(child, 0, ["a"], { ...DONE, messages: [messageTo(parent.runId, "last words")] }));
      assert.deepEqual(await waitingOf(world, parent.runId), ["last words", "ended:op"]);
    },
  },
  {
    name: "those who await a run await its successor, along the chain, and are answered by the last one alone",
    async run(lab) {
      const { world } = lab;
      let awaited = await start(lab, "w2", { key: "k" });
      const first = awaited.runId;
      const owned = await sleeperThatAwaits(lab, "w1", awaitOf(first, "id"), awaitKey("k", "key"));
      for (let link = 0; link < 4; link++) awaited = await continueAs(lab, awaited, 0);
      assert.deepEqual([await waitingOf(world, owned.runId), (await recordOf(world, owned.runId)).dueAt], [[], null]);
      const late = await sleeperThatAwaits(lab, "w1", awaitOf(first, "first"), awaitKey("k", "key"));
      await mustCommit(world, commitOf(awaited, 0, ["a"], { patch: { status: "failed", output: bytes("at last") } }));
      assert.deepEqual(await answersOf(lab, owned.runId), ["id failed\nat last", "key failed\nat last"]);
      assert.deepEqual(await answersOf(lab, late.runId), ["first failed\nat last", "key failed\nat last"]);
      const after = await sleeperThatAwaits(lab, "w1", awaitOf(first, "first"), awaitKey("k", "key"));
      assert.deepEqual(await answersOf(lab, after.runId), ["first failed\nat last", "key failed\nat last"]);
    },
  },
  {
    name: "an await and an end with a successor in one batch meet at the successor, whichever comes first",
    async run(lab) {
      const { world } = lab;
      for (const order of ["end first", "await first"]) {
        const parent = await start(lab, "w1");
        const child = await start(lab, "w1", { id: childOf(parent).id });
        const successor = childOf(child);
        const asks = commitOf(parent, 0, ["a"], { ...SLEEP, awaits: [awaitOf(child.runId), awaitOf(successor.id, "successor")] });
        const ends = commitOf(child, 0, ["a"], { ...DONE, successor });
        const known = order === "end first";
        for (let attempt = 0; attempt < 2; attempt++) await world.commit(known ? [ends, asks] : [asks, ends]);
        const before = known ? [] : ["successor not_found\n"];
        assert.deepEqual(await answersOf(lab, parent.runId), before, order);
        await world.end(successor.id, { status: "cancelled", output: bytes("x"), note: null });
        assert.deepEqual(await answersOf(lab, parent.runId), [...before, "op cancelled\nx", ...(known ? ["successor cancelled\nx"] : [])]);
      }
    },
  },
  {
    name: "answers that a run has not consumed are not its successor's, and a run may await itself in vain",
    async run(lab) {
      const { world } = lab;
      const over = await create(world);
      await world.end(over.id, { status: "cancelled", output: null, note: null });
      const owned = await start(lab, "w1");
      await mustCommit(world, commitOf(owned, 0, ["a"], { awaits: [awaitOf(over.id), awaitOf(owned.runId, "self")] }));
      assert.deepEqual(await waitingOf(world, owned.runId), ["ended:op"]);
      const next = await continueAs(lab, owned, 1);
      assert.deepEqual([await waitingOf(world, owned.runId), await waitingOf(world, next.runId)], [[], []]);
      await mustCommit(world, commitOf(next, 0, ["b"], { ...DONE, awaits: [awaitOf(next.runId, "self")] }));
      assert.deepEqual(await waitingOf(world, next.runId), []);
    },
  },
  {
    name: "an end that answers hints at something due, also when it comes from outside, and so does an await that is answered at once",
    async run(lab) {
      const { world } = lab;
      const [committed, ended] = (await startMany(lab, "w2", 2)) as [Owned, Owned];
      const owned = await sleeperThatAwaits(lab, "w1", awaitOf(committed.runId, "a"), awaitOf(ended.runId, "b"));
      const acts: readonly (() => Promise<unknown>)[] = [
        () => mustCommit(world, commitOf(committed, 0, ["a"], DONE)),
        () => world.end(ended.runId, { status: "cancelled", output: null, note: null }),
        () => mustCommit(world, commitOf(owned, 1, ["b"], { awaits: [awaitOf(uuid(), "none")] })),
      ];
      for (const act of acts) {
        let due = 0;
        const unwatch = world.watch(({ kind }) => void (due += kind === "due" ? 1 : 0));
        await act();
        await settle(() => due > 0);
        unwatch();
      }
    },
  },
  {
    name: "awaits and chains of successors are there after the store was closed and opened again",
    needs: "durable",
    async run(lab) {
      const first = await start(lab, "w2", { key: "k" });
      const second = await continueAs(lab, first, 0);
      const owned = await sleeperThatAwaits(lab, "w1", awaitOf(first.runId, "id"), awaitKey("k", "key"), awaitOf(uuid(), "none"));
      const before = [await recordOf(lab.world, first.runId), await recordOf(lab.world, second.runId)];
      await lab.world.close();

      const world = await lab.open();
      const after = { ...lab, world };
      assert.deepEqual([await recordOf(world, first.runId), await recordOf(world, second.runId)], before);
      assert.deepEqual(await answersOf(after, owned.runId), ["none not_found\n"]);
      const third = await continueAs(after, second, 0);
      await world.end(third.runId, { status: "failed", output: bytes("x"), note: null });
      assert.deepEqual(await answersOf(after, owned.runId), ["none not_found\n", "id failed\nx", "key failed\nx"]);
      const late = await start(after, "w1");
      await mustCommit(world, commitOf(late, 0, ["a"], { awaits: [awaitOf(first.runId)] }));
      assert.deepEqual(await answersOf(after, late.runId), ["op failed\nx"]);
    },
  },
];
