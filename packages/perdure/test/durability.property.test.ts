import fc from "fast-check";
import { expect, test } from "vitest";

import { runFleet } from "./support/fleet.ts";
import { runPrograms, type Program } from "./support/run-programs.ts";

/** Another seed tries other programs: `PERDURE_PROGRAMS_SEED=7 npx vitest run durability`. */
const seed = Number(process.env["PERDURE_PROGRAMS_SEED"] ?? 20_261_126);
const count = 2000;
/** Simulated side by side, so that they share the ticks of the realm. */
const atOnce = 100;

async function check(program: Program): Promise<void> {
  const calm = await runFleet(program, "resident");
  expect(await runFleet(program, "crash")).toEqual(calm);
  expect(await runFleet(program, "steal")).toEqual(calm);
}

test(
  "2,000 programs end the same when nothing goes wrong, when the process ends at every commit, and when two workers fight over each run",
  { timeout: 600_000 },
  async () => {
    const programs = fc.sample(runPrograms, { seed, numRuns: count });
    for (let start = 0; start < count; start += atOnce) {
      const results = await Promise.allSettled(programs.slice(start, start + atOnce).map(check));
      const failed = results.findIndex(({ status }) => status === "rejected");
      if (failed < 0) continue;
      // Once more and alone, by the same seed, to shrink it.
      await fc.assert(fc.asyncProperty(runPrograms, check), { seed, path: String(start + failed), numRuns: 1 });
      throw (results[failed] as PromiseRejectedResult).reason;
    }
  },
);
