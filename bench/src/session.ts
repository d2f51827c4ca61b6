import type { World } from "@perdure/world";
import { start, type Run } from "perdure/api";
import { setWorld } from "perdure/runtime";
import { startWorker } from "perdure/worker";

import type { Request } from "./request.ts";
import { sequence } from "./workflows/sequence.ts";
import { openBenchWorld, type BenchWorld } from "./worlds/index.ts";
import type { Yardstick } from "./yardstick.ts";

/** A World with a worker of default options, and its yardsticks, ready to be measured. */
export interface Session {
  readonly world: World;
  readonly database: string;
  readonly durable: boolean;
  /** Bare storage where there is some, else the World's own commits. */
  readonly yardstick: Yardstick;
  /** The World's own commits. */
  readonly commits: Yardstick;
}

/** Opens a new World, with a worker of default options, uses both, and removes everything. @param metered see {@link BenchWorld.meter} */
export async function withWorker<T>({ world: name, url }: Request, metered: boolean, use: (bench: BenchWorld) => Promise<T>): Promise<T> {
  const bench = await openBenchWorld(name, { url, metered });
  try {
    await setWorld(bench.world);
    const worker = await startWorker();
    try {
      return await use(bench);
    } finally {
      await worker.stop();
    }
  } finally {
    await bench.world.close();
    await bench.remove();
  }
}

/** The same with yardsticks. @param producers how many sequences they need */
export function withSession<T>(request: Request, producers: number, measure: (session: Session) => Promise<T>): Promise<T> {
  return withWorker(request, false, async (bench) => {
    const { world, database, durable } = bench;
    const row = await typicalRow(world);
    const commits = await bench.commits(row);
    const yardstick = durable ? await bench.bare(row) : commits;
    try {
      await commits.open(producers);
      if (yardstick !== commits) await yardstick.open(producers);
      return await measure({ world, database, durable, yardstick, commits });
    } finally {
      for (const each of new Set([yardstick, commits])) await each.close();
    }
  });
}

/** A row as a step of the workloads leaves it, so that the yardsticks write as many bytes. */
async function typicalRow(world: World): Promise<Uint8Array> {
  const run = await runOne(5);
  const { rows } = await world.load(run.runId, { after: 2, limit: 1 });
  const [row] = rows;
  if (!row) throw new Error("A run of five steps has no third row.");
  return row.data;
}

/** Runs the workload's workflow once; resolves when it has ended. */
export async function runOne(steps: number): Promise<Run<number>> {
  const run = await start(sequence, [steps]);
  await run.returnValue;
  return run;
}

/** Starts runs at once; resolves when all have ended. */
export function runMany(runs: number, steps: number): Promise<Run<number>[]> {
  return Promise.all(Array.from({ length: runs }, () => runOne(steps)));
}
