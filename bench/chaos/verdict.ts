import { isDeepStrictEqual } from "node:util";

import type { RunRecord } from "@perdure/world";

import { isBeginning, readRow, stepsAsked } from "../crash/history.ts";
import type { LedgerLine } from "../crash/ledger.ts";
import { attemptName, carriedOut, judgeRun, repeated } from "../crash/verdict.ts";
import type { Booking, ChaosEvidence, ChaosRun, CommittedRow, Published, Victim } from "./evidence.ts";
import { bookingsOf, chaosModels, publishedOf } from "./models.ts";
import type { Word } from "./workflows.ts";

/** What came of the runs; those that `crash` counts too are explained there. */
export interface ChaosVerdict {
  readonly lost: number;
  readonly historiesInvalid: number;
  readonly committedStepsRepeated: number;
  /** Bookings that are there more often than once. */
  readonly transactionsAppliedTwice: number;
  /** Bookings of completed steps that are not there. */
  readonly transactionsLost: number;
  readonly effectsBeforeHistory: number;
  /** Runs whose streams or published values are not what they must be. */
  readonly publishedInvalid: number;
  readonly lateStepsRepeated: number;
  readonly inFlightStepsRepeated: number;
  readonly takeovers: number;
  readonly runs: number;
  readonly steps: number;
  readonly transactions: number;
  /** Of each worker that was killed or frozen with runs that went on elsewhere: until the first row of one of them was committed there. ms */
  readonly takeoverMs: readonly number[];
  /** From the last fault until the last run had ended. ms */
  readonly settledMs: number;
  readonly problems: readonly string[];
}

export async function judgeChaos(evidence: ChaosEvidence): Promise<ChaosVerdict> {
  const { lines, leaseMs, calmAt, bookings, victims } = evidence;
  const runs = evidence.runs.filter(({ acknowledged }) => acknowledged);
  const worked = carriedOut(lines);
  const problems: string[] = [];
  const total = { lost: 0, historiesInvalid: 0, publishedInvalid: 0, takeovers: 0, steps: 0 };
  for (const one of runs) {
    const { problems: found, lost, invalid, steps } = await judgeRun(one, worked, chaosModels);
    const wrong = published(one);
    total.lost += Number(lost);
    total.historiesInvalid += Number(invalid);
    total.publishedInvalid += Number(wrong.length > 0);
    total.takeovers += Math.max(0, (one.record?.fence ?? 1) - 1);
    total.steps += steps;
    problems.push(...[...found, ...wrong].map((problem) => `${one.run.key}: ${problem}`));
  }
  // Also of runs whose start nobody has acknowledged.
  const order = attemptsAgainstHistory(evidence.runs, lines, leaseMs);
  const booked = countBookings(runs, evidence);
  const ends = runs.map(({ record }) => record?.endedAt ?? calmAt);
  return {
    ...total,
    committedStepsRepeated: order.committed.length,
    transactionsAppliedTwice: booked.twice.length,
    transactionsLost: booked.missing.length,
    effectsBeforeHistory: order.early.length,
    lateStepsRepeated: order.late.length,
    inFlightStepsRepeated: repeated(lines) - order.committed.length - order.late.length,
    runs: runs.length,
    transactions: bookings.length,
    takeoverMs: takeoverTimes(victims, runs),
    settledMs: Math.max(0, ends.reduce((last, end) => Math.max(last, end), calmAt) - calmAt),
    problems: [
      ...problems,
      ...order.committed.map((name) => `${name} was made again after its outcome had been committed`),
      ...order.early.map((name) => `${name} began before the history had asked for it`),
      ...booked.twice.map((name) => `${name} was booked more often than once`),
      ...booked.missing.map((name) => `${name} is completed and was not booked`),
    ],
  };
}

/** What history has of a step. Times are those of commits. */
interface StepHistory {
  readonly askedAt: number;
  readonly outcomes: { readonly attempt: number; readonly final: boolean; readonly at: number }[];
}

interface Order {
  readonly early: readonly string[];
  readonly committed: readonly string[];
  readonly late: readonly string[];
}

/**
 * Compares when attempts began with when history asked for them and had their outcomes. Both times come from one machine's clock; those of the ledger are
 * rounded down to the millisecond. A run whose row is being committed can be claimed by nobody, so that an attempt after a commit's time knows of that commit.
 */
function attemptsAgainstHistory(runs: readonly ChaosRun[], lines: readonly LedgerLine[], leaseMs: number): Order {
  const steps = new Map(runs.flatMap(({ record, rows }) => (record ? stepsOf(record, rows) : [])));
  const order = { early: [] as string[], committed: [] as string[], late: [] as string[] };
  for (const { kind, step, attempt, at, stalledMs } of lines) {
    if (kind !== "attempt") continue;
    const known = steps.get(step);
    if (!known || at + 1 <= known.askedAt) order.early.push(attemptName(step, attempt));
    const isAnswered = known?.outcomes.some((outcome) => at > outcome.at && (outcome.final || attempt <= outcome.attempt));
    // A worker begins nothing when two thirds of its lease are over. If it stands still just after it has looked, it cannot know.
    if (isAnswered) (stalledMs > leaseMs / 3 ? order.late : order.committed).push(attemptName(step, attempt));
  }
  return order;
}

function stepsOf(
  { id: runId, createdAt }: Pick<RunRecord, "id" | "createdAt">,
  rows: readonly CommittedRow[],
): [step: string, history: StepHistory][] {
  const steps = new Map<string, StepHistory>();
  for (const row of rows) {
    const read = readRow(row);
    const askedAt = isBeginning(read) ? createdAt : row.committedAt;
    for (const op of stepsAsked(read)) steps.set(`${runId}/${op}`, { askedAt, outcomes: [] });
    if (!/^step_(completed|failed|retrying)$/.test(read.type)) continue;
    const outcome = { attempt: read.attempt, final: read.type !== "step_retrying", at: row.committedAt };
    steps.get(`${runId}/${read.op}`)?.outcomes.push(outcome);
  }
  return [...steps];
}

interface Booked {
  readonly twice: readonly string[];
  readonly missing: readonly string[];
}

function countBookings(runs: readonly ChaosRun[], { bookings, booked }: Pick<ChaosEvidence, "bookings" | "booked">): Booked {
  const counts = new Map<string, number>();
  const nameOf = ({ run, pieces }: Booking): string => `the booking of ${pieces} by ${run}`;
  for (const booking of bookings) counts.set(nameOf(booking), (counts.get(nameOf(booking)) ?? 0) + 1);
  const expected = runs.flatMap(({ run, record }) => (record?.status === "completed" ? bookingsOf(run) : [])).map(nameOf);
  const halves = bookings.reduce((sum, { pieces }) => sum + pieces, 0) - booked;
  const half = halves === 0 ? [] : [`half of a transaction (${halves} pieces)`];
  return {
    twice: [...[...counts].flatMap(([name, count]) => (count > 1 ? [name] : [])), ...(halves < 0 ? half : [])],
    missing: [...(halves > 0 ? half : []), ...expected.filter((name) => !counts.has(name))],
  };
}

function published({ run, record, published }: ChaosRun): string[] {
  if (record?.status !== "completed" || published === null) return [];
  const expected = publishedOf(run);
  const problems = (["log", "progress"] as const).flatMap((name) =>
    isDeepStrictEqual(published[name], expected[name]) ? [] : [`${name} is ${JSON.stringify(published[name])}`],
  );
  return [...problems, ...speeches(published, expected.speeches)];
}

/** Steps write at least once: each execution the beginning of its words, each word once, and the one that brought the result all of them. */
function speeches({ speech }: Published, lengths: readonly number[]): string[] {
  const executions = new Map<string, Word[]>();
  for (const word of speech) executions.set(word.by, [...(executions.get(word.by) ?? []), word]);
  const problems = [...executions].flatMap(([by, words]) =>
    words.every(({ index }, at) => index === at) ? [] : [`execution ${by} has written ${words.map(({ index }) => index).join(" ")}`],
  );
  const whole = [...executions.values()].flatMap((words) => (words.length === words[0]?.of ? [words.length] : []));
  for (const length of lengths) if (!whole.includes(length)) problems.push(`no execution has written all of ${length} words`);
  return problems;
}

/** See {@link ChaosVerdict.takeoverMs}. */
function takeoverTimes(victims: readonly Victim[], runs: readonly ChaosRun[]): number[] {
  const rowsOf = new Map(runs.map(({ record, rows }) => [record?.id, rows]));
  return victims.flatMap(({ at, until, runs: owned }) => {
    const first = [...owned].reduce((first, [id, fence]) => {
      const taken = rowsOf.get(id)?.find((row) => row.fence > fence);
      return taken ? Math.min(first, taken.committedAt) : first;
    }, Number.POSITIVE_INFINITY);
    return first < until && first >= at ? [first - at] : [];
  });
}
