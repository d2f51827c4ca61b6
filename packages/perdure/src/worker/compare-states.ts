import { isSameValue } from "../codec/same-text.ts";
import { each } from "../few.ts";
import type { Machine, Outcome, PendingOperation } from "../engine/machine.ts";
import type { Row } from "../engine/row.ts";

/** A difference, and what it is about. */
export interface Found {
  /** The row of history, from 0, on whose event it happens. */
  readonly row: number;
  /** Which of the asks that the row records. */
  readonly index: number;
  readonly recorded: string;
  readonly actual: string;
}

/**
 * The first difference between the states to which one history has brought two codes. The names of all operations are the same by then; what a history does not
 * hold may differ: what a step is given that has no answer yet, how long a sleep lasts, the token of a hook, which run is awaited, with what a run goes on in another. How often a step is tried is none.
 */
export function differenceOfStates(own: Machine, other: Machine, rows: readonly Row[]): Found | null {
  const others = new Map([...each(other.pending)].map((operation) => [operation.op, operation]));
  for (const operation of each(own.pending)) {
    const now = others.get(operation.op);
    const found = now && differenceOf(operation, now);
    if (found) return { ...placeOf(operation.op, rows), ...found };
  }
  return differenceOfContinuations(own.outcome, other.outcome, rows);
}

function differenceOfContinuations(own: Outcome | null, other: Outcome | null, rows: readonly Row[]): Found | null {
  if (own?.status !== "continued" || other?.status !== "continued" || isSameValue(own.args, other.args)) return null;
  const row = rows.length - 1;
  const index = rows[row]?.asks.indexOf("continued") ?? 0;
  return { row, index, recorded: "continued with its arguments", actual: "continued with other arguments" };
}

type Sides = Pick<Found, "recorded" | "actual">;

function differenceOf(own: PendingOperation, other: PendingOperation): Sides | null {
  const sides = (recorded: string, actual: string): Sides => ({
    recorded: `${own.kind} ${own.op} ${recorded}`,
    actual: `${own.kind} ${own.op} ${actual}`,
  });
  if (own.kind === "step" && other.kind === "step") {
    // (Not what it is: a log of checks is not the place for the data of runs.)
    return own.stepId === other.stepId && isSameValue(own.input, other.input) ? null : sides("with its input", "with another input");
  }
  if (own.kind === "wait" && other.kind === "wait") {
    return own.dueAt === other.dueAt ? null : sides(`until ${time(own.dueAt)}`, `until ${time(other.dueAt)}`);
  }
  if (own.kind === "hook" && other.kind === "hook") {
    return own.token === other.token ? null : sides(`with the token "${own.token}"`, `with the token "${other.token}"`);
  }
  if (own.kind === "run" && other.kind === "run") {
    return own.run === other.run ? null : sides(`of run "${own.run}"`, `of run "${other.run}"`);
  }
  return own.kind === other.kind ? null : sides("", `as a ${other.kind}`);
}

/** Where an operation was asked for. */
function placeOf(op: string, rows: readonly Row[]): Pick<Found, "row" | "index"> {
  for (let row = rows.length - 1; row >= 0; row--) {
    const index = rows[row]?.asks.findIndex((ask) => ask.endsWith(` ${op}`) && !/^(?:cancel|dispose|request) /.test(ask)) ?? -1;
    if (index >= 0) return { row, index };
  }
  return { row: 0, index: 0 };
}

const time = (at: number): string => new Date(at).toISOString();
