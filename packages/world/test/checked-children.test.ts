import { expect, test } from "vitest";
import type { Commit, CommitResult, NewRun, World } from "@perdure/world";
import { testWorld } from "@perdure/world/conformance";
import { createMemoryWorld } from "@perdure/world/memory";
import { A, B, type Broken, bytes, commitOf, end, newRun, testBroken } from "./broken.ts";

const C = "01890a5d-ac96-774b-bcce-b302099a8059";
const cancelled = { status: "cancelled", output: null, note: null } as const;
const awaitsB = { awaits: [{ operation: "op", run: { id: B } }] } as const;

/** Commits other commits than those that were made, and changes their results. */
function committing(
  world: World,
  change: (commit: Commit) => Commit,
  also: (commit: Commit, result: CommitResult) => CommitResult | Promise<CommitResult> = (_, result) => result,
): Pick<World, "commit"> {
  return {
    commit: async (commits) => {
      const results = await world.commit(commits.map(change));
      return Promise.all(results.map((result, index) => also(commits[index]!, result)));
    },
  };
}

/** A commit without some of its parts. */
function without(commit: Commit, ...parts: (keyof Commit)[]): Commit {
  return Object.fromEntries(Object.entries(commit).filter(([part]) => !parts.includes(part as keyof Commit))) as unknown as Commit;
}

const broken: readonly Broken[] = [
  {
    name: "a commit that does not start its runs",
    says: /was started by a commit of run .* and does not exist/,
    breaks: (world) => committing(world, (commit) => without(commit, "runs")),
    use: (world) => world.commit([commitOf(0, ["a"], { runs: [newRun(B)] })]),
  },
  {
    name: "a commit that starts another run than was asked for",
    says: /is not the run that was asked for/,
    breaks: (world) => committing(world, (commit) => ({ ...commit, runs: commit.runs!.map((run) => ({ ...run, input: bytes("x") })) })),
    use: (world) => world.commit([commitOf(0, ["a"], { runs: [newRun(B)] })]),
  },
  {
    name: "a commit that starts runs without their parent",
    says: /has another parent than was asked for/,
    breaks: (world) => committing(world, (commit) => ({ ...commit, runs: commit.runs!.map((run) => ({ ...run, parent: null })) })),
    use: (world) => world.commit([commitOf(0, ["a"], { runs: [{ ...newRun(B), parent: { runId: A, operation: "op" } }] })]),
  },
  {
    name: "a run that is reported as not created, and has no key",
    says: /reports that run .* has the key of run/,
    breaks: (world) =>
      committing(
        world,
        (commit) => commit,
        (_, result) => ({ ...result, existing: [{ id: B, runId: A }] }),
      ),
    use: (world) => world.commit([commitOf(0, ["a"], { runs: [newRun(B)] })]),
  },
  {
    name: "a run that is reported as not created, and exists",
    says: /was reported as not created, and exists/,
    breaks: (world) =>
      committing(
        world,
        (commit) => commit,
        (_, result) => ({ ...result, existing: [{ id: B, runId: A }] }),
      ),
    use: (world) => world.commit([commitOf(0, ["a"], { runs: [{ ...newRun(B), key: "k" }] })]),
  },
  {
    name: "an end without the successor that it was to have",
    says: /was to go on as run .* and goes on as null/,
    breaks: (world) => committing(world, (commit) => ({ ...without(commit, "successor"), runs: [commit.successor!] })),
    use: (world) => world.commit([commitOf(0, ["a"], { ...end, successor: newRun(B) })]),
  },
  {
    name: "a run with a successor that has its key still",
    says: /has a successor, and is open or has a key/,
    breaks: (world) => ({ query: { ...world.query, run: async (by) => ({ ...(await world.query.run(by))!, key: "k" }) } }),
    use: async (world) => {
      await world.commit([commitOf(0, ["a"], { ...end, successor: newRun(B) })]);
      return world.query.run({ id: A });
    },
  },
  {
    name: "an end from outside of which those who await it are not told",
    says: /is over, and run .*, which awaits it by op, was not told/,
    breaks: (world) => committing(world, (commit) => without(commit, "awaits")),
    use: async (world) => {
      await world.createRuns([newRun(B)]);
      await world.commit([commitOf(0, ["a"], awaitsB)]);
      return world.end(B, cancelled);
    },
  },
  {
    name: "an end by a commit of which those who await it are not told",
    says: /is over, and run .*, which awaits it by op, was not told/,
    breaks: (world) => committing(world, (commit) => without(commit, "awaits")),
    use: async (world) => {
      await world.createRuns([newRun(B)], { owner: "w1" });
      await world.commit([commitOf(0, ["a"], awaitsB)]);
      return world.commit([{ ...commitOf(0, ["a"], end), runId: B }]);
    },
  },
  {
    name: "a successor at whose end those who awaited the run before it are not told",
    says: /is over, and run .*, which awaits it by op, was not told/,
    breaks: (world) => committing(world, (commit) => without(commit, "awaits")),
    use: async (world) => {
      await world.createRuns([newRun(B)], { owner: "w1" });
      await world.commit([commitOf(0, ["a"], awaitsB)]);
      await world.commit([{ ...commitOf(0, ["a"], { ...end, successor: newRun(C) }), runId: B }]);
      return world.end(C, cancelled);
    },
  },
  {
    name: "an await of a run that is over, which is not answered",
    says: /is over, and run .*, which awaits it by op, was not told/,
    breaks: (world) => committing(world, (commit) => without(commit, "awaits")),
    use: async (world) => {
      await world.createRuns([newRun(B)]);
      await world.end(B, cancelled);
      return world.commit([commitOf(0, ["a"], awaitsB)]);
    },
  },
  {
    name: "an answer that says another end than there was, or one that was not",
    says: /was told by op of an end of run .* that is not so/,
    breaks: (world, lies) => ({
      load: async (...args) => {
        const page = await world.load(...args);
        const payload = bytes(lies.on ? "failed\n" : "not_found\n");
        return { ...page, messages: [{ runId: A, id: "ended:op", kind: "ended", operation: "op", payload }] };
      },
    }),
    use: async (world, lies) => {
      await world.createRuns([newRun(B)]);
      await world.commit([commitOf(0, ["a"], awaitsB)]);
      await expect(world.load(A)).rejects.toThrow("is not so");
      lies.on = false;
      await expect(world.load(A)).rejects.toThrow("is not so");
      lies.on = true;
      await world.end(B, cancelled);
      return world.load(A);
    },
  },
];

testBroken(broken);

/** The sentences of the conformance suite that a World does not pass. */
async function failures(breaks: (world: World) => Partial<World>): Promise<string[]> {
  const failed: string[] = [];
  const cases: (readonly [string, () => Promise<void>])[] = [];
  testWorld({
    test: (name, run) => void cases.push([name, run]),
    supports: { processes: false, durable: false },
    create() {
      let time = Date.now();
      const world = createMemoryWorld({ now: () => time });
      const changed = { ...world, ...breaks(world) };
      return { open: async () => changed, advance: (ms) => void (time += Math.ceil(ms)), cleanup: async () => {} };
    },
  });
  for (const [name, run] of cases) {
    if (!/^(children|successors|awaits|answers):/.test(name)) continue;
    await run().catch(() => failed.push(name));
  }
  return failed;
}

const wrong: readonly (readonly [name: string, breaks: (world: World) => Partial<World>, notices: string])[] = [
  [
    "starts the runs of commits that are refused",
    (world) =>
      committing(
        world,
        (commit) => commit,
        async ({ runs = [] }, result) => {
          if (result.status === "fenced" || result.status === "behind") await world.createRuns(runs);
          return result;
        },
      ),
    "children: a commit that is fenced, behind or failed starts no run, and the others of its batch do",
  ],
  [
    "reports existing runs the first time only",
    (world) => {
      const seen = new Set<string>();
      return committing(
        world,
        (commit) => commit,
        ({ runId }, result) => {
          const isRetry = seen.has(runId);
          seen.add(runId);
          return isRetry && result.status === "committed" ? { status: "committed", conflicts: result.conflicts } : result;
        },
      );
    },
    "children: a run whose key another one has is not created, and is reported with the run that has the key, on a retry too",
  ],
  [
    "takes a successor for a child",
    (world) =>
      committing(world, ({ successor, ...commit }) => {
        return successor === undefined ? commit : { ...commit, runs: [...(commit.runs ?? []), successor] };
      }),
    "successors: a run that ends may go on as another one, which has its key, its parent and its attributes",
  ],
  [
    "drops the messages of a run that goes on as another",
    (world) => ({
      commit: async (commits) => {
        const changed = commits.map(async (commit): Promise<Commit> => {
          if (commit.successor === undefined) return commit;
          const page = await world.load(commit.runId);
          return { ...commit, consumed: page.messages.map(({ id }) => id) };
        });
        return world.commit(await Promise.all(changed));
      },
    }),
    "successors: a successor takes over the unconsumed messages to the run itself, in order, and is due by them; others are dropped",
  ],
  [
    "answers when a run goes on as another",
    (world) => {
      const awaiters: { id: string; operation: string; awaited: string }[] = [];
      return committing(
        world,
        (commit) => commit,
        async ({ runId, awaits = [], successor }, result) => {
          for (const { operation, run } of awaits) if ("id" in run) awaiters.push({ id: runId, operation, awaited: run.id });
          for (const { id, operation, awaited } of awaiters) {
            if (successor === undefined || awaited !== runId) continue;
            await world.deliver([{ id: `ended:${operation}`, to: { runId: id }, kind: "ended", payload: bytes("completed\n") }]);
          }
          return result;
        },
      );
    },
    "answers: those who await a run await its successor, along the chain, and are answered by the last one alone",
  ],
  [
    "lets an await of a run that is over, or that does not exist, wait for ever",
    (world) => ({
      commit: async (commits) => {
        const changed = commits.map(async (commit): Promise<Commit> => {
          const open = await Promise.all((commit.awaits ?? []).map(async ({ run }) => (await world.query.run(run))?.status === "running"));
          return { ...commit, awaits: (commit.awaits ?? []).filter((_, index) => open[index]) };
        });
        return world.commit(await Promise.all(changed));
      },
    }),
    "answers: a run that is over answers the commit that awaits it, by id and by key, and so does one that does not exist",
  ],
  [
    "answers ends by commits, and not those from outside",
    (world) => ({
      end: async (runId, how) => {
        const claimed = await world.claim({ worker: "end", limit: 1000, leaseMs: 1 });
        const run = claimed.runs.find((one) => one.run.id === runId)?.run;
        if (run === undefined) return world.end(runId, how);
        const successor: NewRun = { ...newRun(crypto.randomUUID()), dueAt: 9e15 };
        const { rows } = await world.load(runId);
        await world.commit([{ runId, worker: "end", fence: run.fence, base: rows.length, rows: [], patch: how, successor }]);
        return "ended";
      },
    }),
    "answers: an end from outside and a replacement answer, with the output that they give",
  ],
];

for (const [name, breaks, notices] of wrong) {
  test(`the suite notices a World that ${name}`, async () => {
    expect(await failures(breaks)).toContain(notices);
  });
}

test("the suite notices nothing in a World that is not broken", async () => {
  expect(await failures(() => ({}))).toEqual([]);
});
