import fc from "fast-check";
import { expect, test } from "vitest";

import { longPrograms, programs } from "./support/programs.ts";
import { chooser, runReplay, runResident } from "./support/simulation.ts";

// fast-check prints the seed and the shrunken program when a property fails.

test("a replay of any prefix of a history gives the commands that the resident run had there", { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(programs, fc.nat(), async (program, seed) => {
      const run = await runResident(program, chooser(seed), 1);
      for (const at of run.snapshots) expect(await runReplay(program, run.rows.slice(0, at.length))).toEqual(at);
    }),
    { numRuns: 150 },
  );
});

test("the replay of a run of 10,000 steps and its resident execution give identical commands", { timeout: 300_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(longPrograms(10_000), fc.nat(), async (program, seed) => {
      const run = await runResident(program, chooser(seed), 2500);
      expect(run.stepsAsked).toBeGreaterThanOrEqual(10_000);
      for (const at of run.snapshots) expect(await runReplay(program, run.rows.slice(0, at.length))).toEqual(at);
    }),
    { numRuns: 3, endOnFailure: true },
  );
});

test("a replay on other code is found out, with both sides", async () => {
  const run = await runResident('async()=>{await callStep("a",[]).catch(()=>{});await callStep("b",[]).catch(()=>{})}', chooser(1), 1);
  await expect(
    runReplay('async()=>{await callStep("a",[]).catch(()=>{});await callStep("c",[]).catch(()=>{})}', run.rows),
  ).rejects.toMatchObject({
    recorded: "step b#1",
    actual: "step c#1",
  });
});
