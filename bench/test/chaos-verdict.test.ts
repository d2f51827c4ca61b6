// The check of the chaos benchmark must be able to fail: each case tampers with good evidence and expects the counter to rise.
import type { RunRecord } from "@perdure/world";
import { expect, test } from "vitest";

import type { ChaosEvidence, ChaosRun, CommittedRow, Published } from "../chaos/evidence.ts";
import { bookingsOf, childrenOf, chaosLoad } from "../chaos/models.ts";
import { planFaults } from "../chaos/schedule.ts";
import { judgeChaos } from "../chaos/verdict.ts";
import type { LedgerLine } from "../crash/ledger.ts";
import { planRuns, type PlannedRun } from "../crash/load.ts";

const crashFile = "@perdure/bench/crash/workflows.ts";
const chaosFile = "@perdure/bench/chaos/workflows.ts";

function recordOf(id: string, { key }: PlannedRun, output: string): RunRecord {
  return {
    id,
    key,
    status: "completed",
    output: Buffer.from(output),
    fence: 2,
    createdAt: 998,
    endedAt: 2000,
    note: null,
  } as unknown as RunRecord;
}

/** Rows that are committed 10 ms apart, from `from` on, by the fence 1 and, from the third on, by 2. */
function rowsOf(rows: readonly (readonly [head: object, payload: string])[], from: number): CommittedRow[] {
  return rows.map(([head, payload], index) => ({
    seq: index + 1,
    fence: index < 2 ? 1 : 2,
    committedAt: from + 10 * index,
    data: Buffer.from(`${JSON.stringify({ ...head, at: 10 * index })}\n${payload}`),
  }));
}

function linesOf(runId: string, op: string, at: number): LedgerLine[] {
  const line = { step: `${runId}/${op}`, attempt: 1, pid: 1, at, stalledMs: 0 };
  return [
    { ...line, kind: "attempt" },
    { ...line, kind: "effect" },
  ];
}

const booking: PlannedRun = { key: "booking-3", workflow: "booking", n: 3, sender: null };
const [book1, book2, add1] = [`${chaosFile}#book#1`, `${chaosFile}#book#2`, `${crashFile}#add#1`];
const bookingRun: ChaosRun = {
  run: booking,
  acknowledged: true,
  record: recordOf("b", booking, "j109"),
  seen: [],
  published: null,
  rows: rowsOf(
    [
      [{ type: "run_started", asks: [`step ${book1}`] }, ""],
      [{ type: "step_completed", op: book1, attempt: 1, asks: [`step ${book2}`] }, "j5"],
      [{ type: "step_completed", op: book2, attempt: 1, asks: [`step ${add1}`] }, "j104"],
      [{ type: "step_completed", op: add1, attempt: 1, asks: ["completed"] }, "j109"],
    ],
    1000,
  ),
};

const streams: PlannedRun = { key: "streams-0", workflow: "streams", n: 0, sender: null };
const [speak1, speak2] = [`${chaosFile}#speak#1`, `${chaosFile}#speak#2`];
const published: Published = {
  log: ["first 0", "second 3", "third 2"],
  // The first execution was interrupted, the second one went on.
  speech: [
    { by: "1.1", index: 0, of: 3 },
    { by: "2.1", index: 0, of: 3 },
    { by: "2.1", index: 1, of: 3 },
    { by: "1.1", index: 1, of: 3 },
    { by: "2.1", index: 2, of: 3 },
    { by: "2.2", index: 0, of: 2 },
    { by: "2.2", index: 1, of: 2 },
  ],
  progress: undefined,
};
const streamsRun: ChaosRun = {
  run: streams,
  acknowledged: true,
  record: recordOf("s", streams, "j5"),
  seen: [],
  published,
  rows: rowsOf(
    [
      [{ type: "run_started", asks: ["chunk log", `step ${speak1}`] }, ""],
      [{ type: "step_completed", op: speak1, attempt: 1, asks: ["chunk log", "wait sleep#1"] }, "j3"],
      [{ type: "wait_completed", op: "sleep#1", asks: [`step ${speak2}`] }, ""],
      [{ type: "step_completed", op: speak2, attempt: 1, asks: ["chunk log", "close log", `step ${add1}`] }, "j2"],
      [{ type: "step_completed", op: add1, attempt: 1, asks: ["completed"] }, "j5"],
    ],
    1000,
  ),
};

const good: ChaosEvidence = {
  runs: [bookingRun, streamsRun],
  lines: [
    ...linesOf("b", book1, 1001),
    ...linesOf("b", book2, 1012),
    ...linesOf("b", add1, 1022),
    ...linesOf("s", speak1, 1001),
    ...linesOf("s", speak2, 1022),
    ...linesOf("s", add1, 1032),
  ],
  victims: [{ at: 1015, until: Number.POSITIVE_INFINITY, runs: new Map([["b", 1]]) }],
  bookings: bookingsOf(booking),
  booked: 107,
  leaseMs: 300,
  calmAt: 1500,
};

const zero = {
  lost: 0,
  historiesInvalid: 0,
  committedStepsRepeated: 0,
  transactionsAppliedTwice: 0,
  transactionsLost: 0,
  effectsBeforeHistory: 0,
  publishedInvalid: 0,
  lateStepsRepeated: 0,
};

/** Good evidence with further lines of the second booking's attempt. */
const again = (changes: Partial<LedgerLine>): ChaosEvidence => ({
  ...good,
  lines: [...good.lines, { kind: "attempt", step: `b/${book2}`, attempt: 1, pid: 2, at: 1019, stalledMs: 0, ...changes }],
});

const withStreams = (changes: Partial<Published>): ChaosEvidence => ({
  ...good,
  runs: [bookingRun, { ...streamsRun, published: { ...published, ...changes } }],
});

test("good evidence passes; takeovers are timed by the first commit elsewhere", async () => {
  const { problems, ...verdict } = await judgeChaos(good);
  expect(problems).toEqual([]);
  expect(verdict).toMatchObject({ ...zero, runs: 2, steps: 6, transactions: 2, takeovers: 2, takeoverMs: [5], settledMs: 500 });
});

test("an attempt that begins after the commit of its outcome is a repetition; before it, it was in flight", async () => {
  expect(await judgeChaos(again({}))).toMatchObject({ ...zero, inFlightStepsRepeated: 1 });
  expect(await judgeChaos(again({ at: 1021 }))).toMatchObject({ ...zero, committedStepsRepeated: 1, inFlightStepsRepeated: 0 });
  expect(await judgeChaos(again({ at: 1021, attempt: 2 }))).toMatchObject({ committedStepsRepeated: 1 });
});

test("a process that stood still just before it began the attempt could not know", async () => {
  expect(await judgeChaos(again({ at: 1021, stalledMs: 101 }))).toMatchObject({ ...zero, lateStepsRepeated: 1 });
  expect(await judgeChaos(again({ at: 1021, stalledMs: 99 }))).toMatchObject({ committedStepsRepeated: 1, lateStepsRepeated: 0 });
});

test("steps of a run's first turn may begin from its creation on, if that asks for nothing else", async () => {
  expect(await judgeChaos(again({ step: `b/${book1}`, at: 999 }))).toMatchObject({ effectsBeforeHistory: 0 });
  expect(await judgeChaos(again({ step: `b/${book1}`, at: 996 }))).toMatchObject({ effectsBeforeHistory: 1 });
  expect(await judgeChaos(again({ step: `s/${speak1}`, at: 999 }))).toMatchObject({ effectsBeforeHistory: 1 });
});

test("a step that begins before history has asked for it is counted", async () => {
  expect(await judgeChaos(again({ at: 1008 }))).toMatchObject({ ...zero, effectsBeforeHistory: 1 });
  expect(await judgeChaos(again({ step: "b/nobody#1" }))).toMatchObject({ ...zero, effectsBeforeHistory: 1 });
});

test("transactions are counted: twice, not at all, by half", async () => {
  const [first, second] = bookingsOf(booking);
  expect(await judgeChaos({ ...good, bookings: [first!, second!, second!], booked: 210 })).toMatchObject({ transactionsAppliedTwice: 1 });
  expect(await judgeChaos({ ...good, bookings: [first!], booked: 4 })).toMatchObject({ transactionsLost: 1, transactionsAppliedTwice: 0 });
  expect(await judgeChaos({ ...good, booked: 4 })).toMatchObject({ transactionsLost: 1 });
  expect(await judgeChaos({ ...good, booked: 210 })).toMatchObject({ transactionsAppliedTwice: 1 });
});

test("what a run shows others must be whole", async () => {
  expect(await judgeChaos(withStreams({ log: ["first 0", "first 0", "second 3", "third 2"] }))).toMatchObject({ publishedInvalid: 1 });
  expect(await judgeChaos(withStreams({ progress: { done: 4 } }))).toMatchObject({ publishedInvalid: 1 });
  // A chunk that was written once more by a retry, one that is missing, and an execution that never ended.
  expect(await judgeChaos(withStreams({ speech: [...published.speech, published.speech.at(-1)!] }))).toMatchObject({ publishedInvalid: 1 });
  const without = (index: number): Published["speech"] => published.speech.filter((_, at) => at !== index);
  expect(await judgeChaos(withStreams({ speech: without(2) }))).toMatchObject({ publishedInvalid: 1 });
  expect(await judgeChaos(withStreams({ speech: without(6) }))).toMatchObject({ publishedInvalid: 1 });
});

test("a run that is not there, or whose history has a hole, is found here too", async () => {
  expect(await judgeChaos({ ...good, runs: [{ ...bookingRun, record: null, rows: [] }, streamsRun] })).toMatchObject({ lost: 1 });
  const rows = bookingRun.rows.filter(({ seq }) => seq !== 3);
  expect(await judgeChaos({ ...good, runs: [{ ...bookingRun, rows }, streamsRun] })).toMatchObject({ historiesInvalid: 1 });
});

test("the load has runs of every workflow, and expects their children", () => {
  const runs = planRuns(0, chaosLoad.length, chaosLoad);
  expect(new Set(runs.map(({ workflow }) => workflow)).size).toBe(12);
  expect(runs.flatMap(childrenOf).map(({ key }) => key)).toEqual(["family-9/1", "family-9/2", "family-9/3"]);
});

test("a minute has faults of every kind, the same for the same seed", () => {
  for (let seed = 0; seed < 50; seed++) expect(new Set(planFaults(60_000, seed).map(({ kind }) => kind)).size).toBe(5);
  expect(planFaults(300_000, 7)).toEqual(planFaults(300_000, 7));
  expect(planFaults(300_000, 7)).not.toEqual(planFaults(300_000, 8));
});
