// The check of the crash benchmark must be able to fail: each case tampers with good evidence and expects the counter to rise.
import type { HistoryRow, RunRecord } from "@perdure/world";
import { describe, expect, test } from "vitest";

import type { Evidence, RunEvidence, Sighting } from "../crash/evidence.ts";
import type { LedgerLine } from "../crash/ledger.ts";
import { crashLoad, planRuns, type PlannedRun } from "../crash/load.ts";
import { judge } from "../crash/verdict.ts";

const file = "@perdure/bench/crash/workflows.ts";
const id = "0199d3c0-0000-7000-8000-000000000001";
const add = (count: number): string => `${file}#add#${count}`;

/** The run `naps-2`: a step, a sleep, a step, a sleep, a step. */
const run: PlannedRun = { key: "naps-2", workflow: "naps", n: 2, sender: null };

interface Head {
  readonly type: string;
  readonly op?: string;
  readonly attempt?: number;
  readonly at: number;
  readonly asks?: readonly string[];
}

const good: readonly (readonly [Head, string])[] = [
  [{ type: "run_started", at: 1000, asks: [`step ${add(1)}`] }, ""],
  [{ type: "step_completed", op: add(1), attempt: 1, at: 1005, asks: ["wait sleep#1"] }, "j3"],
  [{ type: "wait_completed", op: "sleep#1", at: 1017, asks: [`step ${add(2)}`] }, ""],
  [{ type: "step_completed", op: add(2), attempt: 1, at: 1020, asks: ["wait sleep#2"] }, "j5"],
  [{ type: "wait_completed", op: "sleep#2", at: 1042, asks: [`step ${add(3)}`] }, ""],
  [{ type: "step_completed", op: add(3), attempt: 1, at: 1050, asks: ["completed"] }, "j8"],
];

type GoodRow = (typeof good)[number];

function rowsOf(rows: readonly GoodRow[]): HistoryRow[] {
  return rows.map(([head, payload], index) => ({ seq: index + 1, data: Buffer.from(`${JSON.stringify(head)}\n${payload}`) }));
}

const record: RunRecord = {
  id,
  key: run.key,
  workflowId: `${file}#naps`,
  version: "0",
  parent: null,
  attributes: {},
  status: "completed",
  input: Buffer.from(""),
  output: Buffer.from("j8"),
  note: null,
  dueAt: null,
  owner: null,
  fence: 3,
  createdAt: 999,
  endedAt: 1051,
  successor: null,
};

const line = (kind: LedgerLine["kind"], count: number, attempt = 1): LedgerLine => ({
  kind,
  step: `${id}/${add(count)}`,
  attempt,
  pid: 1,
  at: 0,
  stalledMs: 0,
});

// The second step was in flight when the worker was killed.
const lines = [
  line("attempt", 1),
  line("effect", 1),
  line("attempt", 2),
  line("attempt", 2),
  line("effect", 2),
  line("attempt", 3),
  line("effect", 3),
];
const sighting: Sighting = { step: `${id}/${add(1)}`, attempt: 1, final: true, lines: 2, frozen: null };

function evidence(changes: Partial<RunEvidence> = {}, others: Partial<Evidence> = {}): Evidence {
  const rows = rowsOf(good);
  const whole: RunEvidence = { run, acknowledged: true, record, rows, seen: rows.slice(0, 3), ...changes };
  return { runs: [whole], lines, sightings: [sighting], early: [], ...others };
}

/** The good history with one row changed. */
function changed(index: number, head: Partial<Head>, payload?: string): Evidence {
  const rows = good.map((row, at): GoodRow => (at === index ? [{ ...row[0], ...head }, payload ?? row[1]] : row));
  return evidence({ rows: rowsOf(rows), seen: [] });
}

const counts = { lost: 0, historiesInvalid: 0, committedStepsRepeated: 0, lateStepsRepeated: 0, effectsBeforeHistory: 0 };

test("good evidence passes, and what was tried is counted", async () => {
  const verdict = await judge(evidence());
  expect(verdict).toEqual({ ...counts, inFlightStepsRepeated: 1, takeovers: 2, runs: 1, steps: 3, problems: [] });
});

describe("a run is lost", () => {
  const cases: Record<string, Partial<RunEvidence>> = {
    "when the World does not know it": { record: null, rows: [], seen: [] },
    "when it is still open": { record: { ...record, status: "running", output: null } },
    "when it failed": { record: { ...record, status: "failed" } },
    "when it returned something else": { record: { ...record, output: Buffer.from("j9") } },
  };
  for (const [name, changes] of Object.entries(cases)) {
    test(name, async () => expect((await judge(evidence(changes))).lost).toBe(1));
  }

  test("only if its start had been acknowledged", async () => {
    expect(await judge(evidence({ record: null, acknowledged: false }))).toMatchObject({ lost: 0, runs: 0 });
  });
});

describe("a history is invalid", () => {
  const without = (index: number): Evidence => evidence({ rows: rowsOf(good.filter((_, at) => at !== index)), seen: [] });
  const twice = good.flatMap((row, at) => (at === 1 ? [row, row] : [row]));
  const cases: Record<string, Evidence> = {
    "when a row is missing": without(2),
    "when its start is missing": without(0),
    "when its end is missing": without(5),
    "when numbers have a hole": evidence({ rows: rowsOf(good).map((row) => (row.seq > 3 ? { ...row, seq: row.seq + 1 } : row)) }),
    "when a step is answered twice": evidence({ rows: rowsOf(twice), seen: [] }),
    "when a step is answered that was not asked for": changed(1, { op: add(2) }),
    "when the workflow asked for something else": changed(1, { asks: ["wait sleep#2"] }),
    "when the workflow asked for nothing": changed(1, { asks: [] }),
    "when a step brings another value": changed(3, {}, "j6"),
    "when a step fails that cannot": changed(3, { type: "step_failed" }),
    "when an attempt was skipped": changed(3, { attempt: 2 }),
    "when a sleep ends early": changed(2, { at: 1016 }),
    "when time goes back": changed(3, { at: 1001 }),
    "when something follows the end": evidence({ rows: rowsOf([...good, good[4] as GoodRow]) }),
    "when a row that was read is another one later": evidence({ seen: rowsOf([good[0] as GoodRow, good[3] as GoodRow]) }),
    "when rows that were read are gone": evidence({ seen: [...rowsOf(good), { seq: 7, data: Buffer.from("{}\n") }] }),
    "when a step is completed that nobody carried out": evidence(
      {},
      { lines: lines.filter(({ kind, step }) => kind === "attempt" || step !== `${id}/${add(3)}`) },
    ),
  };
  for (const [name, tampered] of Object.entries(cases)) {
    test(name, async () => expect((await judge(tampered)).historiesInvalid).toBe(1));
  }
});

describe("a committed step is repeated", () => {
  const repeatedAs = async (line: LedgerLine, sightings: Sighting[]): Promise<number> =>
    (await judge(evidence({}, { lines: [...lines, line], sightings }))).committedStepsRepeated;

  test("when an attempt begins after its result was in the history", async () => {
    expect(await repeatedAs(line("attempt", 1), [sighting])).toBe(1);
    expect(await repeatedAs(line("attempt", 1, 2), [sighting])).toBe(1);
  });

  test("when a failed attempt is made again after the retry was in the history, but not by the next attempt", async () => {
    const retrying = { ...sighting, final: false };
    expect(await repeatedAs(line("attempt", 1), [retrying])).toBe(1);
    expect(await repeatedAs(line("attempt", 1, 2), [retrying])).toBe(0);
  });

  test("and is told apart when a process that stood still could not know", async () => {
    const seenMeanwhile = { ...sighting, frozen: 1 };
    const verdict = await judge(evidence({}, { lines: [...lines, line("attempt", 1)], sightings: [seenMeanwhile] }));
    expect(verdict).toMatchObject({ committedStepsRepeated: 0, lateStepsRepeated: 1, inFlightStepsRepeated: 1 });
    expect(await repeatedAs({ ...line("attempt", 1), pid: 2 }, [seenMeanwhile])).toBe(1);
  });

  test("but not when nobody had seen the result yet", async () => {
    expect(await repeatedAs(line("attempt", 1), [{ ...sighting, lines: lines.length + 1 }])).toBe(0);
  });
});

test("a step that began before the history asked for it is counted", async () => {
  expect((await judge(evidence({}, { early: [`${id}/${add(2)}`] }))).effectsBeforeHistory).toBe(1);
  // That of the first turn follows from the run's record.
  expect((await judge(evidence({}, { early: [`${id}/${add(1)}`] }))).effectsBeforeHistory).toBe(0);
});

test("the load has every workflow in turn, with keys that are unique", () => {
  const runs = planRuns(0, 80, crashLoad);
  expect(new Set(runs.map(({ key }) => key)).size).toBe(80);
  expect(new Set(runs.map(({ workflow }) => workflow)).size).toBe(8);
});
