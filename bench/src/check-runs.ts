import type { World } from "@perdure/world";
import type { Run } from "perdure/api";

/**
 * Makes sure that runs did what their figures claim: each is completed in the World, returned `expected`, and has a history of `rows` rows without a
 * hole. @throws when one did not; nothing was measured then
 */
export async function checkRuns(world: World, runs: readonly Run<number>[], expected: number, rows: number): Promise<void> {
  for (const run of runs) {
    const [record] = await world.query.runsById([run.runId]);
    if (record?.status !== "completed") throw new Error(`Run ${run.runId} is ${record?.status ?? "not there"}, not completed.`);
    const value = await run.returnValue;
    if (value !== expected) throw new Error(`Run ${run.runId} returned ${value}, not ${expected}.`);
    const page = await world.load(run.runId);
    const isWhole = page.rows.every(({ seq }, index) => seq === index + 1);
    if (page.rows.length !== rows || !isWhole) throw new Error(`Run ${run.runId} has ${page.rows.length} history rows, not 1 to ${rows}.`);
  }
}
