import type { RunRecord, World } from "@perdure/world";
import type { Run } from "perdure/api";

const recordsAtOnce = 500;
const historiesAtOnce = 20;

/**
 * Makes sure that runs did what their figures claim: each is completed in the World, returned `expected`, and has a history without a
 * hole, of `rows` rows where a number is given. Resolves with the rows that were counted in all histories. @throws when one did not; nothing was measured then
 */
export async function checkRuns(world: World, runs: readonly Run<number>[], expected: number, rows?: number): Promise<number> {
  for (const some of chunks(runs, recordsAtOnce)) {
    const records = new Map((await world.query.runsById(some.map(({ runId }) => runId))).map((record) => [record.id, record]));
    for (const run of some) await checkRun(run, records.get(run.runId), expected);
  }
  let counted = 0;
  for (const some of chunks(runs, historiesAtOnce)) {
    for (const length of await Promise.all(some.map(({ runId }) => checkHistory(world, runId, rows)))) counted += length;
  }
  return counted;
}

async function checkRun(run: Run<number>, record: RunRecord | undefined, expected: number): Promise<void> {
  if (record?.status !== "completed") throw new Error(`Run ${run.runId} is ${record?.status ?? "not there"}, not completed.`);
  const value = await run.returnValue;
  if (value !== expected) throw new Error(`Run ${run.runId} returned ${value}, not ${expected}.`);
}

async function checkHistory(world: World, runId: string, rows?: number): Promise<number> {
  const page = await world.load(runId);
  const { length } = page.rows;
  const isWhole = page.rows.every(({ seq }, index) => seq === index + 1);
  if (!isWhole || length !== (rows ?? length)) throw new Error(`Run ${runId} has ${length} history rows, not 1 to ${rows ?? length}.`);
  return length;
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) => items.slice(index * size, (index + 1) * size));
}
