// Two workers whose runs start, await, tell and end each other, in batches that are made at the same time: whatever meets whatever, everybody who awaits is told once, and nobody waits for ever.

import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Await, Commit, CommitResult, NewRun, World } from "@perdure/world";
import { testPostgres } from "../../../scripts/test-servers.mjs";
import { createPostgresWorld } from "../src/index.ts";
import { randomOf } from "./support/random.ts";
import { bytes, commitOf, newRun } from "./support/runs.ts";

const schema = "together";
const url = await testPostgres();
const admin = new pg.Client(url);
const worlds = [0, 1].map(() => createPostgresWorld({ url, schema, notify: false }));

beforeAll(async () => {
  await admin.connect();
  for (const world of worlds) await world.setup();
  await admin.query(`SET search_path TO ${schema}`);
});
afterAll(async () => {
  for (const world of worlds) await world.close();
  await admin.end();
});

interface Live {
  readonly id: string;
  length: number;
}

interface Side {
  readonly world: World;
  readonly worker: string;
  readonly live: Map<string, Live>;
}

/** What must be true of what is stored, and what is not, as counts of rows. */
const faults: Record<string, string> = {
  "awaits of runs that are over": "SELECT count(*)::int4 AS n FROM awaits a JOIN runs r ON r.id = a.awaited WHERE r.status <> 0",
  "awaits by runs that are over": "SELECT count(*)::int4 AS n FROM awaits a JOIN runs r ON r.id = a.run_id WHERE r.status <> 0",
  "awaited runs without a mark": "SELECT count(*)::int4 AS n FROM awaits a JOIN runs r ON r.id = a.awaited WHERE NOT r.awaited",
  "awaits that were answered":
    "SELECT count(*)::int4 AS n FROM awaits a JOIN messages m ON m.run_id = a.run_id AND m.message = 'ended:' || a.operation",
  "wrong counts of messages": `SELECT count(*)::int4 AS n FROM runs r
    WHERE mail <> (SELECT count(*) FROM messages m WHERE m.run_id = r.id AND m.payload IS NOT NULL)`,
  "runs with messages that are not due": "SELECT count(*)::int4 AS n FROM runs WHERE mail > 0 AND due_at IS NULL",
};

async function faultsNow(): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const [name, query] of Object.entries(faults)) {
    const [row] = (await admin.query<{ n: number }>(query)).rows;
    if (row!.n > 0) found[name] = row!.n;
  }
  return found;
}

test.each([1, 2, 3])(
  "every await is answered once, and every count is right (seed %i)",
  async (seed) => {
    const random = randomOf(seed);
    const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!;
    const known: string[] = [];
    const asked = new Map<string, Set<string>>();
    const born = new Set<string>();
    const sides: Side[] = [];
    for (const [index, world] of worlds.entries()) {
      const worker = `${seed}.${index}`;
      await world.heartbeat(worker, 600_000);
      const runs = Array.from({ length: 25 }, () => newRun());
      await world.createRuns(runs, { owner: worker });
      known.push(...runs.map(({ id }) => id));
      sides.push({ world, worker, live: new Map(runs.map(({ id }) => [id, { id, length: 0 }])) });
    }

    const step = (name: string): string => `${name} ${random().toString(36).slice(2)}`;
    function commitFor({ worker }: Side, { id, length }: Live): Commit {
      const some = <T>(most: number, make: () => T): T[] => Array.from({ length: Math.floor(random() * (most + 1)) }, make);
      const runs: NewRun[] = some(2, () => newRun({ key: random() < 0.3 ? `key ${seed} ${Math.floor(random() * 40)}` : null }));
      const targets = [...known, ...runs.map((run) => run.id), newRun().id];
      const awaits: Await[] = some(2, () => ({
        operation: step("await"),
        run: random() < 0.9 ? { id: pick(targets) } : { key: `key ${seed} ${Math.floor(random() * 40)}` },
      }));
      const messages = random() < 0.2 ? [{ id: step("m"), to: { runId: pick(known) }, kind: "wake", payload: bytes("p") }] : [];
      const attributes = random() < 0.3 ? { [`a${Math.floor(random() * 3)}`]: random() < 0.5 ? null : random() } : undefined;
      const ends = random() < 0.15;
      const patch = {
        ...(attributes && { attributes }),
        ...(ends ? ({ status: "completed", output: bytes(id) } as const) : { dueAt: null }),
      };
      const parts = [random() < 0.5 ? { runs } : {}, random() < 0.5 && !ends ? { awaits } : {}, random() < 0.5 ? { messages } : {}];
      return commitOf(
        id,
        worker,
        length,
        Object.assign({ patch: random() < 0.8 || ends ? patch : { note: "n" } }, ...parts) as Partial<Commit>,
      );
    }

    function note({ live }: Side, { runId, rows, patch, awaits = [], runs = [] }: Commit, result: CommitResult): void {
      expect(result.status).toBe("committed");
      const existing = result.status === "committed" ? (result.existing ?? []) : [];
      for (const { id } of runs) if (!existing.some((one) => one.id === id)) born.add(id);
      known.push(...runs.map(({ id }) => id));
      if (patch?.status !== undefined) {
        live.delete(runId);
        asked.delete(runId);
        return;
      }
      live.get(runId)!.length += rows.length;
      const operations = asked.get(runId) ?? new Set();
      for (const { operation } of awaits) operations.add(operation);
      asked.set(runId, operations);
    }

    async function round(): Promise<void> {
      await Promise.all(
        sides.map(async (side) => {
          const commits = [...side.live.values()].filter(() => random() < 0.6).map((one) => commitFor(side, one));
          const results = await side.world.commit(commits);
          for (const [index, commit] of commits.entries()) note(side, commit, results[index]!);
        }),
      );
      for (const { world, worker, live } of sides) {
        const { runs } = await world.claim({ worker, limit: 10, leaseMs: 600_000 });
        for (const { run } of runs) if (run.fence === 1) live.set(run.id, { id: run.id, length: 0 });
      }
      expect(await faultsNow()).toEqual({});
    }

    for (let rounds = 0; rounds < 25; rounds++) await round();
    for (const [run, operations] of asked) {
      const { rows } = await admin.query<{ operation: string }>(
        "SELECT operation FROM awaits WHERE run_id = $1 UNION ALL SELECT operation FROM messages WHERE run_id = $1 AND kind = 'ended'",
        [run],
      );
      expect(rows.map(({ operation }) => operation).toSorted()).toEqual([...operations].toSorted());
    }
    const { rows: stored } = await admin.query<{ id: string }>("SELECT id FROM runs WHERE id = ANY($1::uuid[])", [[...born]]);
    expect(stored.length).toBe(born.size);
  },
  60_000,
);
