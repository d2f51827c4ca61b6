import { expect, test } from "vitest";

import { createReport, type Measurement } from "../src/report.ts";
import { tableOf } from "../src/table.ts";
import { growthOf, ratesOf } from "../src/worlds/meter.ts";

const request = { name: "w4", world: "memory", json: false, url: null, options: {}, given: [] };
const measured = (targets: Measurement["targets"]): Measurement => ({
  figures: { ms: { 100: 7, 1000: 61 }, ratio: 2 },
  targets,
  runs: 5,
  database: "memory",
});

test("a target may speak of one size of a figure", () => {
  const report = createReport(
    request,
    measured([
      { figure: "ms at 1,000", op: "<=", bound: 60 },
      { figure: "ms at 100", op: "<=", bound: 10 },
      { figure: "ratio", op: ">=", bound: 1 },
    ]),
  );
  expect(report.targets.map(({ met }) => met)).toEqual([false, true, true]);
  expect(report.met).toBe(false);
  expect(tableOf(report, "")).toMatch(/ms at 1,000 +61 +target <= 60: MISSED/);
});

test("a target for a figure that was not measured is an error, not a success", () => {
  expect(() => createReport(request, measured([{ figure: "ms at 500", op: "<=", bound: 60 }]))).toThrow("ms at 500");
});

test("what comes anyway does not count for what was done, and what is not counted stays out", () => {
  const idle = ratesOf({ at: 0, rows: 10, statements: 5 }, { at: 1000, rows: 20, statements: 5 });
  expect(growthOf({ at: 2000, rows: 30, commits: 1 }, { at: 4000, rows: 80, commits: 3 }, idle)).toEqual({ rows: 30, commits: 2 });
});
