import assert from "node:assert/strict";
import type { Commit } from "../index.ts";
import {
  append,
  bytes,
  type Case,
  COMMITTED,
  commit,
  commitOf,
  create,
  historyOf,
  mustCommit,
  recordOf,
  rejectsWith,
  start,
  startMany,
  takeOver,
  text,
  waitingOf,
  messageTo,
} from "./lab.ts";

/** A commit that uses everything a commit has, for a run that holds message `m`. */
function everything(commit: Commit): Commit {
  return {
    ...commit,
    hooks: [{ token: "token", operation: "hook", metadata: bytes("meta") }],
    consumed: ["m"],
    chunks: [{ name: "out", data: bytes("chunk") }],
    patch: { note: "waits", dueAt: null },
  };
}

export const commits: readonly Case[] = [
  {
    name: "rows are numbered from 1 without holes, in the order of the commits",
    async run(lab) {
      const owned = await start(lab, "w1");
      await mustCommit(lab.world, commitOf(owned, 0, ["a"]));
      await mustCommit(lab.world, commitOf(owned, 1, ["b", "c", "d"]));
      await mustCommit(lab.world, commitOf(owned, 4, ["e"]));
      assert.deepEqual(await historyOf(lab.world, owned.runId), ["a", "b", "c", "d", "e"]);
    },
  },
  {
    name: "a history is read in pages",
    async run(lab) {
      const owned = await start(lab, "w1");
      await mustCommit(lab.world, commitOf(owned, 0, ["a", "b", "c", "d"]));
      const page = async (after: number, limit?: number): Promise<string> => {
        const { rows } = await lab.world.load(owned.runId, limit === undefined ? { after } : { after, limit });
        return rows.map(({ seq, data }) => `${seq}${text(data)}`).join();
      };
      assert.equal(await page(0, 2), "1a,2b");
      assert.equal(await page(2, 2), "3c,4d");
      assert.equal(await page(4, 2), "");
      assert.equal(await page(1), "2b,3c,4d");
      assert.equal(await page(9), "");
    },
  },
  {
    name: "loading a run that does not exist is an error",
    async run({ world }) {
      await rejectsWith("RUN_NOT_FOUND", world.load("01890a5d-ac96-774b-bcce-b302099a8057"));
    },
  },
  {
    name: "a commit without rows proves ownership and applies its patch",
    async run(lab) {
      const owned = await start(lab, "w1");
      await mustCommit(lab.world, commitOf(owned, 0, [], { patch: { note: "waits for a hook", dueAt: null } }));
      await mustCommit(lab.world, commitOf(owned, 0, []));
      const { note, dueAt, owner } = await recordOf(lab.world, owned.runId);
      assert.deepEqual([note, dueAt, owner], ["waits for a hook", null, "w1"]);
    },
  },
  {
    name: "what a patch leaves out stays as it is",
    async run(lab) {
      const owned = await start(lab, "w1");
      const dueAt = (await lab.world.now()) + 5000;
      await mustCommit(lab.world, commitOf(owned, 0, ["a"], { patch: { note: "n", dueAt, output: bytes("o") } }));
      await mustCommit(lab.world, commitOf(owned, 1, ["b"], { patch: {} }));
      await mustCommit(lab.world, commitOf(owned, 2, ["c"], { patch: { status: "running" } }));
      const run = await recordOf(lab.world, owned.runId);
      assert.deepEqual([run.note, run.dueAt, run.output, run.status], ["n", dueAt, bytes("o"), "running"]);
      await mustCommit(lab.world, commitOf(owned, 3, [], { patch: { note: null, output: null } }));
      const cleared = await recordOf(lab.world, owned.runId);
      assert.deepEqual([cleared.note, cleared.output, cleared.dueAt], [null, null, dueAt]);
    },
  },
  {
    name: "a terminal status ends the run: no owner, no due time, no hooks, no messages",
    async run(lab) {
      for (const status of ["completed", "failed", "cancelled"] as const) {
        const owned = await start(lab, "w1");
        const hooks = [{ token: `t-${status}`, operation: "h", metadata: null }];
        await mustCommit(lab.world, commitOf(owned, 0, ["a"], { hooks }));
        await lab.world.deliver([messageTo(owned.runId, "m")]);
        const from = await lab.world.now();
        const patch = { status, output: bytes("out"), note: "why", dueAt: from };
        await mustCommit(lab.world, commitOf(owned, 1, ["b"], { patch }));
        const run = await recordOf(lab.world, owned.runId);
        assert.deepEqual([run.status, run.owner, run.dueAt, run.note], [status, null, null, "why"]);
        assert.deepEqual(run.output, bytes("out"));
        assert.ok(run.endedAt !== null && run.endedAt >= from);
        assert.equal(await lab.world.query.hook(`t-${status}`), null);
        const { hooks: held, messages } = await lab.world.load(owned.runId);
        assert.deepEqual([held, messages], [[], []]);
      }
    },
  },
  {
    name: "results are in the order of the commits, and one run's refusal never spoils another's commit (race 5)",
    async run(lab) {
      const owned = await startMany(lab, "w1", 5);
      const [good, fenced, behind, failed, last] = owned as [
        (typeof owned)[0],
        (typeof owned)[0],
        (typeof owned)[0],
        (typeof owned)[0],
        (typeof owned)[0],
      ];
      const results = await lab.world.commit([
        commitOf(good, 0, ["x"]),
        commitOf({ ...fenced, fence: 7 }, 0, ["x"]),
        commitOf(behind, 3, ["x"]),
        commitOf(failed, 0, ["x"], { hooks: [{ token: "", operation: "h", metadata: null }] }),
        commitOf(last, 0, ["x", "y"], { patch: { note: "done" } }),
      ]);
      assert.deepEqual(
        results.map(({ status }) => status),
        ["committed", "fenced", "behind", "failed", "committed"],
      );
      const histories = await Promise.all(owned.map(({ runId }) => historyOf(lab.world, runId)));
      assert.deepEqual(histories, [["x"], [], [], [], ["x", "y"]]);
      assert.ok(results[3]!.status === "failed" && results[3]!.error instanceof Error);
    },
  },
  {
    name: "a commit that cannot be stored fails alone and leaves its run as it was",
    async run(lab) {
      const owned = await start(lab, "w1");
      const before = await recordOf(lab.world, owned.runId);
      const bad: Partial<Commit>[] = [
        { hooks: [{ token: "t".repeat(513), operation: "h", metadata: null }] },
        { hooks: [{ token: "a\0b", operation: "h", metadata: null }] },
        { chunks: [{ name: "", data: bytes("x") }] },
        { patch: { note: "n", dueAt: 1.5 } },
        { rows: [bytes("x"), "text" as unknown as Uint8Array] },
        { base: -1 },
        { rows: [], chunks: [{ name: "s", data: bytes("x") }] },
      ];
      for (const rest of bad) {
        const result = await commit(lab.world, commitOf(owned, 0, ["x"], { ...rest }));
        assert.equal(result.status, "failed", JSON.stringify(rest));
      }
      assert.deepEqual(await historyOf(lab.world, owned.runId), []);
      assert.deepEqual(await recordOf(lab.world, owned.runId), before);
    },
  },
  {
    name: "a batch with two commits of one run is refused whole",
    async run(lab) {
      const [one, two] = [await start(lab, "w1"), await start(lab, "w1")];
      const batch = [commitOf(one, 0, ["a"]), commitOf(two, 0, ["a"]), commitOf(one, 1, ["b"])];
      await rejectsWith("WORLD_INVALID_ARGUMENT", lab.world.commit(batch));
      assert.deepEqual([await historyOf(lab.world, one.runId), await historyOf(lab.world, two.runId)], [[], []]);
    },
  },
  {
    name: "an empty batch is allowed",
    async run({ world }) {
      assert.deepEqual(await world.commit([]), []);
    },
  },
  {
    name: "a batch of 500 runs with several rows each lands whole",
    async run(lab) {
      const owned = await startMany(lab, "w1", 500);
      const results = await lab.world.commit(owned.map((one, index) => commitOf(one, 0, [`a${index}`, `b${index}`])));
      assert.ok(results.every(({ status }) => status === "committed"));
      for (const [index, { runId }] of owned.entries()) assert.deepEqual(await historyOf(lab.world, runId), [`a${index}`, `b${index}`]);
    },
  },
  {
    name: "a commit of 1,000 rows and one of rows of 1 MB land whole",
    async run(lab) {
      const owned = await start(lab, "w1");
      const many = Array.from({ length: 1000 }, (_, index) => `row ${index}`);
      await mustCommit(lab.world, commitOf(owned, 0, many));
      const large = new Uint8Array(1024 * 1024).fill(7);
      await mustCommit(lab.world, { ...owned, base: 1000, rows: [large, large] });
      const { rows } = await lab.world.load(owned.runId, { after: 999 });
      assert.deepEqual(
        rows.map(({ seq, data }) => [seq, data.length]),
        [
          [1000, 7],
          [1001, large.length],
          [1002, large.length],
        ],
      );
    },
  },
  {
    name: "the retry of a commit whose acknowledgement was lost is committed and changes nothing (race 4)",
    async run(lab) {
      const owned = await start(lab, "w1");
      await lab.world.deliver([messageTo(owned.runId, "m")]);
      const one = everything(commitOf(owned, 0, ["a", "b"]));
      await mustCommit(lab.world, one);
      const before = [await recordOf(lab.world, owned.runId), await lab.world.load(owned.runId)];
      assert.deepEqual(await lab.world.commit([one]), [COMMITTED]);
      assert.deepEqual([await recordOf(lab.world, owned.runId), await lab.world.load(owned.runId)], before);
      const { chunks } = await lab.world.streams.read({ runId: owned.runId, name: "out" }, 0);
      assert.deepEqual(chunks, [bytes("chunk")]);
      await mustCommit(lab.world, commitOf(owned, 2, ["c"]));
    },
  },
  {
    name: "the retry of a commit reports the same conflicts, also when the token has become free since (race 4)",
    async run(lab) {
      const [holder, owned] = [await start(lab, "w1"), await start(lab, "w1")];
      const hooks = [
        { token: "t", operation: "h", metadata: null },
        { token: "u", operation: "i", metadata: null },
      ];
      await mustCommit(lab.world, commitOf(holder, 0, ["a"], { hooks: [hooks[0]!] }));
      const one = commitOf(owned, 0, ["a"], { hooks });
      assert.deepEqual(await commit(lab.world, one), { status: "committed", conflicts: ["h"] });
      await mustCommit(lab.world, commitOf(holder, 1, ["b"], { disposedHooks: ["h"] }));
      assert.deepEqual(await commit(lab.world, one), { status: "committed", conflicts: ["h"] });
      assert.equal(await lab.world.query.hook("t"), null);
    },
  },
  {
    name: "the retry of the commit that ended a run is committed, with rows and without (race 4)",
    async run(lab) {
      for (const rows of [["end"], []]) {
        const owned = await start(lab, "w1");
        const one = commitOf(owned, 0, rows, { patch: { status: "completed", output: bytes("out") } });
        await mustCommit(lab.world, one);
        const before = await recordOf(lab.world, owned.runId);
        await mustCommit(lab.world, one);
        assert.deepEqual(await recordOf(lab.world, owned.runId), before);
        assert.deepEqual(await historyOf(lab.world, owned.runId), rows);
      }
    },
  },
  {
    name: "the retry of a commit that landed before a takeover is committed; the next one is fenced (race 4)",
    async run(lab) {
      const old = await start(lab, "w1");
      const one = commitOf(old, 0, ["a"]);
      await mustCommit(lab.world, one);
      const taken = await takeOver(lab, "w2");
      assert.deepEqual(await commit(lab.world, one), COMMITTED);
      assert.deepEqual(await commit(lab.world, commitOf(old, 1, ["b"])), { status: "fenced" });
      await mustCommit(lab.world, commitOf(taken, 1, ["c"]));
      assert.deepEqual(await historyOf(lab.world, old.runId), ["a", "c"]);
    },
  },
  {
    name: "a commit that is refused consumes no message, takes no hook, appends no chunk and patches nothing (race 3)",
    async run(lab) {
      const owned = await start(lab, "w1");
      await mustCommit(lab.world, commitOf(owned, 0, ["a"], { hooks: [{ token: "kept", operation: "k", metadata: null }] }));
      await lab.world.deliver([messageTo(owned.runId, "m")]);
      const closed = { runId: owned.runId, name: "closed" };
      await append(lab.world, closed, [], true);
      const before = [await recordOf(lab.world, owned.runId), await lab.world.load(owned.runId)];
      const greedy = { ...everything(commitOf(owned, 1, ["x"])), disposedHooks: ["k"] };
      const refused: [Commit, string][] = [
        [{ ...greedy, fence: owned.fence + 1 }, "fenced"],
        [{ ...greedy, worker: "w2" }, "fenced"],
        [{ ...greedy, base: 2 }, "behind"],
        [{ ...greedy, base: 0, rows: [bytes("x"), bytes("y")] }, "behind"],
        [
          {
            ...greedy,
            chunks: [
              { name: "out", data: bytes("c") },
              { name: "closed", data: bytes("c") },
            ],
          },
          "failed",
        ],
      ];
      for (const [one, status] of refused) {
        assert.equal((await commit(lab.world, one)).status, status);
        assert.deepEqual([await recordOf(lab.world, owned.runId), await lab.world.load(owned.runId)], before);
        assert.deepEqual((await lab.world.streams.read({ runId: owned.runId, name: "out" }, 0)).chunks, []);
      }
      assert.deepEqual(await waitingOf(lab.world, owned.runId), ["m"]);
    },
  },
  {
    name: "a commit for a run that does not exist is fenced",
    async run(lab) {
      const ghost = { runId: "01890a5d-ac96-774b-bcce-b302099a8057", fence: 1, worker: "w1" };
      assert.deepEqual(await commit(lab.world, commitOf(ghost, 0, ["a"])), { status: "fenced" });
    },
  },
  {
    name: "notes keep any text that every store can hold, and never fail a commit",
    async run(lab) {
      const owned = await start(lab, "w1");
      const notes: [string, string][] = [
        ["größer 🚀\n\t\"'%_\\", "größer 🚀\n\t\"'%_\\"],
        ["a\0b\ud800c", "a\uFFFDb\uFFFDc"],
        ["", ""],
      ];
      for (const [note, kept] of notes) {
        await mustCommit(lab.world, commitOf(owned, 0, [], { patch: { note } }));
        assert.equal((await recordOf(lab.world, owned.runId)).note, kept);
      }
      await create(lab.world);
    },
  },
];
