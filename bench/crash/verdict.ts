import { isDeepStrictEqual } from "node:util";

import type { Evidence, RunEvidence, Sighting } from "./evidence.ts";
import { isBeginning, readRow, stepsAsked, valueOf, type ReadRow } from "./history.ts";
import type { LedgerLine } from "./ledger.ts";
import { models, type Model } from "./models.ts";
import { replayModel } from "./replay-model.ts";

/** What came of the runs. */
export interface Verdict {
  /** Acknowledged runs that are missing, did not complete, or returned something wrong. */
  readonly lost: number;
  readonly historiesInvalid: number;
  /** Attempts of a step whose outcome was in the history already. */
  readonly committedStepsRepeated: number;
  /**
   * The same by a process that had stood still and gone on, of steps which another worker had completed meanwhile: it cannot know yet that it has lost
   * them. Nothing that it brings is taken, but its function was called.
   */
  readonly lateStepsRepeated: number;
  /** Steps that began before the history had asked for them. */
  readonly effectsBeforeHistory: number;
  /** Attempts that were made again because their worker was gone before the outcome was committed: what "at least once" means. */
  readonly inFlightStepsRepeated: number;
  /** Claims of runs that had an owner before. */
  readonly takeovers: number;
  /** Acknowledged runs. */
  readonly runs: number;
  /** Answered steps. */
  readonly steps: number;
  /** What is wrong, in words. */
  readonly problems: readonly string[];
}

function stepsOfBeginning({ record, rows }: RunEvidence): string[] {
  const first = rows.slice(0, 1).map(readRow).filter(isBeginning);
  return first.flatMap((row) => stepsAsked(row).map((op) => `${record?.id}/${op}`));
}

export async function judge({ runs, lines, sightings, early: unasked }: Evidence): Promise<Verdict> {
  const atFirst = new Set(runs.flatMap(stepsOfBeginning));
  const early = unasked.filter((step) => !atFirst.has(step));
  const problems = early.map((step) => `${step} began before the history had asked for it`);
  const worked = carriedOut(lines);
  const total = { lost: 0, historiesInvalid: 0, takeovers: 0, steps: 0 };
  for (const evidence of runs.filter(({ acknowledged }) => acknowledged)) {
    const found = await judgeRun(evidence, worked, models);
    problems.push(...found.problems.map((problem) => `${evidence.run.key}: ${problem}`));
    total.lost += Number(found.lost);
    total.historiesInvalid += Number(found.invalid);
    total.takeovers += Math.max(0, (evidence.record?.fence ?? 1) - 1);
    total.steps += found.steps;
  }
  const { committed, late } = repeatedAfterCommit(lines, sightings);
  problems.push(...committed.map((name) => `${name} was made again after its outcome had been committed`));
  return {
    lost: total.lost,
    historiesInvalid: total.historiesInvalid,
    committedStepsRepeated: committed.length,
    lateStepsRepeated: late.length,
    effectsBeforeHistory: early.length,
    inFlightStepsRepeated: repeated(lines) - committed.length - late.length,
    takeovers: total.takeovers,
    steps: total.steps,
    runs: runs.filter(({ acknowledged }) => acknowledged).length,
    problems,
  };
}

/** The attempts that had an effect. */
export function carriedOut(lines: readonly LedgerLine[]): ReadonlySet<string> {
  return new Set(lines.flatMap(({ kind, step, attempt }) => (kind === "effect" ? [attemptName(step, attempt)] : [])));
}

export interface RunVerdict {
  readonly lost: boolean;
  readonly invalid: boolean;
  readonly steps: number;
  readonly problems: readonly string[];
}

/** @param worked see {@link carriedOut} */
export async function judgeRun(
  { run, record, rows, seen }: RunEvidence,
  worked: ReadonlySet<string>,
  models: Readonly<Record<string, Model>>,
): Promise<RunVerdict> {
  const model = models[run.workflow];
  if (!record || !model) return { lost: true, invalid: false, steps: 0, problems: ["is not there"] };
  const read = rows.map(readRow);
  const { problems, value } = await replayModel(model, run, read);
  const found = [...problems, ...numbering(rows), ...changes(rows, seen), ...unworked(record.id, read, worked)];
  const output = record.output && valueOf(Buffer.from(record.output).toString("utf8"));
  const lost = record.status !== "completed" || !isDeepStrictEqual(output, value);
  const steps = read.filter(({ type }) => type === "step_completed" || type === "step_failed").length;
  const result = lost
    ? [`is ${record.status} with ${JSON.stringify(output)} instead of ${JSON.stringify(value)}; note: ${record.note}`]
    : [];
  return { lost, invalid: found.length > 0, steps, problems: [...found, ...result] };
}

function numbering(rows: RunEvidence["rows"]): string[] {
  return rows.flatMap(({ seq }, index) => (seq === index + 1 ? [] : [`row ${index + 1} has the number ${seq}`]));
}

/** What was read once must never be different later. */
function changes(rows: RunEvidence["rows"], seen: RunEvidence["seen"]): string[] {
  return seen.flatMap(({ seq, data }, index) => {
    const row = rows[index];
    const same = row !== undefined && row.seq === seq && Buffer.compare(row.data, data) === 0;
    return same ? [] : [`row ${seq} was read and is not there any more, or another one`];
  });
}

/** Successes in the history without an effect in the world. */
function unworked(runId: string, rows: readonly ReadRow[], worked: ReadonlySet<string>): string[] {
  return rows.flatMap(({ type, op, attempt }) => {
    if (type !== "step_completed" || worked.has(attemptName(`${runId}/${op}`, attempt))) return [];
    return [`${op} is completed and was never carried out`];
  });
}

export function attemptName(step: string, attempt: number): string {
  return `attempt ${attempt} of ${step}`;
}

/** Attempts that began after their outcome had been seen, `late` those of a process that stood still then. */
function repeatedAfterCommit(lines: readonly LedgerLine[], sightings: readonly Sighting[]): { committed: string[]; late: string[] } {
  const byStep = groupByStep(sightings);
  const [committed, late]: [string[], string[]] = [[], []];
  for (const [index, { kind, step, attempt, pid }] of lines.entries()) {
    if (kind !== "attempt") continue;
    const known = byStep.get(step)?.filter((seen) => index >= seen.lines && (seen.final || attempt <= seen.attempt)) ?? [];
    if (known.length > 0) (known.every(({ frozen }) => frozen === pid) ? late : committed).push(attemptName(step, attempt));
  }
  return { committed, late };
}

function groupByStep(sightings: readonly Sighting[]): Map<string, Sighting[]> {
  const groups = new Map<string, Sighting[]>();
  for (const sighting of sightings) groups.set(sighting.step, [...(groups.get(sighting.step) ?? []), sighting]);
  return groups;
}

/** How many attempts began more often than once, counting each time after the first. */
export function repeated(lines: readonly LedgerLine[]): number {
  const attempts = lines.flatMap(({ kind, step, attempt }) => (kind === "attempt" ? [attemptName(step, attempt)] : []));
  return attempts.length - new Set(attempts).size;
}
