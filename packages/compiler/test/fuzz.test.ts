import fc from "fast-check";
import { expect, test } from "vitest";
import { programs } from "./fuzz/programs.ts";
import { runProgram } from "./fuzz/run-program.ts";

// CONTRIBUTING.md says how to run more programs, or others.
const seed = Number(process.env["PERDURE_FUZZ_SEED"] ?? 20_261_125);
const numRuns = Number(process.env["PERDURE_FUZZ_RUNS"] ?? 10_000);

test("a directive in any place either makes a durable function or is an error", async () => {
  const counts = { accepted: 0, refused: 0 };
  const codes = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(programs, async (program) => {
      const outcome = await runProgram(program);
      if (outcome.refused === null) {
        counts.accepted++;
        expect(outcome.wrong).toEqual([]);
        expect(program.directives.every(({ isValid }) => isValid)).toBe(true);
      } else {
        counts.refused++;
        for (const code of outcome.refused) codes.set(code, (codes.get(code) ?? 0) + 1);
      }
    }),
    { seed, numRuns },
  );
  // A compiler that refuses everything would pass otherwise, and so would a generator that makes nothing odd.
  expect(counts.accepted).toBeGreaterThan(numRuns * 0.4);
  expect(counts.refused).toBeGreaterThan(numRuns * 0.1);
  expect([...codes.keys()]).not.toContain("SYNTAX_ERROR");
}, 600_000);
