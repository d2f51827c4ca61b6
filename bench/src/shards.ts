/**
 * Several PostgreSQL servers under load: one is crashed and comes back, one joins, a process that was not told of it goes on, one loses the ends of its histories. Counts
 * what must not be.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { World } from "@perdure/world";
import { createPostgresWorld } from "@perdure/world-postgres";
import { resumeHook, start } from "perdure/api";
import { setWorld } from "perdure/runtime";
import { createWorker, startWorker } from "perdure/worker";

import { startPostgres, type PostgresServer } from "../../scripts/postgres.mjs";
import type { Measurement } from "./report.ts";
import { optionOf, type Request } from "./request.ts";
import { scratch } from "./worlds/postgres-server.ts";
import { audit, setBack } from "./shards/audit.ts";
import { count, rival } from "./shards/workflows.ts";

const names = ["a", "b", "c", "d"] as const;

interface Tally {
  pairs: number;
  /** Pairs of which not exactly one had the token, or that saw different children. */
  notUnique: number;
  started: number[];
  /** The ids or keys of all runs whose start was acknowledged. */
  readonly acknowledged: Set<string>;
}

const steps = 2500;
/** How long runs are waited for when nothing fails any more; what has not ended then is lost. */
const patienceMs = 120_000;

export async function shards(request: Request): Promise<Measurement> {
  const seconds = optionOf(request, "seconds");
  const servers = await Promise.all(names.map(() => startPostgres({ parent: scratch() })));
  try {
    return await measure(servers, seconds);
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}

async function measure(servers: readonly PostgresServer[], seconds: number): Promise<Measurement> {
  const [a, b, c, d] = servers.map(({ url }) => url) as [string, string, string, string];
  const old = createPostgresWorld({ shards: { a, b, c } });
  await setWorld(old);
  const worker = await startWorker({ leaseMs: 5000 });
  const tally: Tally = { pairs: 0, notUnique: 0, started: [], acknowledged: new Set() };
  const load = createLoad(tally);
  load.on(old);
  await pause(seconds * 250);

  await servers[1]!.stop({ how: "immediate", keepData: true });
  const downFrom = tally.started.length;
  const downAt = performance.now();
  await pause(seconds * 500);
  const missing = (await old.query.runs({ limit: 10 })).unavailable ?? [];
  const grown = createPostgresWorld({ shards: { a, b, c, d } }); // `b` is down: `d` joins when it is back
  await grown.setup();
  await pause(Math.max(0, seconds * 1000 - (performance.now() - downAt)));
  const whileDown = tally.started.length - downFrom;
  await servers[1]!.start();

  const joined = createPostgresWorld({ shards: { a, b, c, d } });
  await untilUp(old);
  await joined.setup();
  const other = await createWorker({ world: joined, leaseMs: 5000 });
  load.on(joined);
  await pause(seconds * 250);
  await load.stop();

  const long = await Promise.all(Array.from({ length: 40 }, () => start(count, [steps], { world: joined })));
  for (const { runId } of long) tally.acknowledged.add(runId);
  let hit = 0;
  for (let tries = 0; tries < 100 && hit === 0; tries++) {
    await pause(100);
    for (const url of [a, c]) hit += await setBack(url, 100);
  }
  const ends = await Promise.all(long.map((run) => within(run.returnValue.catch(String))));
  // One that has not ended is lost, not wrong.
  const wrong = ends.filter((result) => result !== undefined && result !== steps).length;
  await untilDelivered([a, b, c, d]);
  const found = await audit([a, b, c, d]);
  const lost = new Set([...tally.acknowledged].filter((id) => !found.completed.has(id)).concat(found.open)).size;
  // One row for the start, one for each step: none lacks, none is there twice.
  const wrongLengths = long.filter(({ runId }) => found.completed.has(runId) && found.lengths.get(runId) !== steps + 1).length;
  await other.stop();
  await worker.stop();
  await Promise.all([old, joined, grown].map((world) => world.close()));
  return {
    figures: {
      runs: found.runs,
      rows: found.rows,
      pairs: tally.pairs,
      pairsPerSecondWhileDown: whileDown / seconds,
      serversMissedByQueries: missing.length,
      lost,
      forked: found.forked,
      holes: found.holes,
      doubleKeys: found.doubleKeys,
      tokensNotUnique: tally.notUnique,
      undelivered: found.undelivered,
      runsSetBack: hit,
      wrongResults: wrong,
      wrongLengths,
    },
    targets: [
      { figure: "serversMissedByQueries", op: ">=", bound: 1 },
      { figure: "pairsPerSecondWhileDown", op: ">=", bound: 1 },
      { figure: "runsSetBack", op: ">=", bound: 1 },
      ...["lost", "forked", "holes", "doubleKeys", "tokensNotUnique", "undelivered", "wrongResults", "wrongLengths"].map((figure) => ({
        figure,
        op: "<=" as const,
        bound: 0,
      })),
    ],
    runs: 1,
    database: servers[0]!.version,
  };
}

/** Starts pairs of rivals, a few at a time, and sees them to their ends. */
function createLoad(tally: Tally): { on(world: World): void; stop(): Promise<void> } {
  let isStopped = false;
  let number = 0;
  const loops: Promise<void>[] = [];
  const open = new Set<Promise<void>>();

  async function loop(world: World): Promise<void> {
    while (!isStopped) {
      const pair = `${++number}`;
      const one = runPair(world, pair, tally).finally(() => open.delete(one));
      open.add(one);
      await pause(100);
    }
  }

  return {
    on: (world) => void loops.push(loop(world)),
    async stop() {
      isStopped = true;
      await within(Promise.all([...loops, ...open]));
    },
  };
}

async function runPair(world: World, pair: string, tally: Tally): Promise<void> {
  const startOne = async (side: string) => retried(async () => start(rival, [pair], { id: `rival ${pair} ${side}`, world }));
  const runs = await Promise.all([startOne("left"), startOne("right")]);
  tally.started.push(performance.now());
  for (const { runId } of runs) tally.acknowledged.add(runId);
  const ends = runs.map((run) => run.returnValue);
  const results = Promise.all(ends);
  // Whoever has the token holds it until the other one was refused.
  await Promise.race(ends);
  let isOver = false;
  void results.finally(() => (isOver = true)).catch(() => undefined);
  while (!isOver) {
    await resumeHook(`token ${pair}`, "go", { key: "once" }).catch((error: unknown) => {
      // Its run is over, or its server is down.
      const { code } = error as { code?: unknown };
      if (code !== "HOOK_NOT_FOUND" && code !== "WORLD_UNAVAILABLE") throw error;
    });
    await pause(200);
  }
  const [left, right] = await results;
  tally.pairs++;
  if (left!.hasToken === right!.hasToken || left!.child !== right!.child || left!.result + right!.result !== 6) tally.notUnique++;
}

/** A start whose home is down is tried again: with its id it is one run. */
async function retried<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if ((error as { code?: unknown }).code !== "WORLD_UNAVAILABLE") throw error;
      await pause(500);
    }
  }
}

/** The value, or undefined when it takes too long: then runs are lost, and the audit counts them. */
async function within<T>(promise: Promise<T>): Promise<T | undefined> {
  const late = new AbortController();
  try {
    return await Promise.race([promise, pause(patienceMs, undefined, { signal: late.signal })]);
  } finally {
    late.abort();
  }
}

/** @throws when servers that run are not found again */
async function untilUp(world: World): Promise<void> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const { unavailable } = await world.query.runs({ limit: 1 });
    if (unavailable === undefined) return;
    if (performance.now() > deadline) throw new Error(`The World does not find ${unavailable.join(", ")} again.`);
    await pause(100);
  }
}

/** What was sent last may be on its way for a sweep. */
async function untilDelivered(urls: readonly string[]): Promise<void> {
  for (let tries = 0; tries < 60 && (await audit(urls)).undelivered > 0; tries++) await pause(1000);
}
