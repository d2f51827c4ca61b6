import fc from "fast-check";
import { expect, test } from "vitest";
import { type FuzzProgram, programs } from "./fuzz/programs.ts";
import { type Outcome, runProgram } from "./fuzz/run-program.ts";

// CONTRIBUTING.md says how to run more programs, or others.
const seed = Number(process.env["PERDURE_FUZZ_SEED"] ?? 20_261_125);
const isMatrix = process.env["PERDURE_TEST_MATRIX"] === "all";
const numRuns = Number(process.env["PERDURE_FUZZ_RUNS"] ?? (isMatrix ? 10_000 : 4000));
/** At the same time, so that none waits for another's turn at esbuild. */
const atOnce = 50;

async function check(program: FuzzProgram): Promise<Outcome> {
  const outcome = await runProgram(program);
  if (outcome.refused === null) {
    expect(outcome.wrong).toEqual([]);
    expect(program.directives.every(({ isValid }) => isValid)).toBe(true);
  }
  return outcome;
}

test("a directive in any place either makes a durable function or is an error", async () => {
  const counts = { accepted: 0, refused: 0 };
  const codes = new Map<string, number>();
  const all = fc.sample(programs, { seed, numRuns });
  for (let start = 0; start < numRuns; start += atOnce) {
    const results = await Promise.allSettled(all.slice(start, start + atOnce).map(check));
    for (const [index, result] of results.entries()) {
      if (result.status === "rejected") {
        // Once more and alone, by the same seed, to shrink it.
        const property = fc.asyncProperty(programs, async (program) => void (await check(program)));
        await fc.assert(property, { seed, path: String(start + index), numRuns: 1 });
        throw result.reason;
      }
      const { refused } = result.value;
      counts[refused === null ? "accepted" : "refused"]++;
      for (const code of refused ?? []) codes.set(code, (codes.get(code) ?? 0) + 1);
    }
  }
  // A compiler that refuses everything would pass otherwise, and so would a generator that makes nothing odd.
  expect(counts.accepted).toBeGreaterThan(numRuns * 0.4);
  expect(counts.refused).toBeGreaterThan(numRuns * 0.1);
  expect([...codes.keys()]).not.toContain("SYNTAX_ERROR");
}, 600_000);
