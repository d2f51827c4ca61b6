/** Whether a replay ended as the run did. */
import { inspect } from "node:util";

import { decode } from "../codec/index.ts";
import { isSameValue } from "../codec/same-text.ts";
import type { Outcome } from "../engine/machine.ts";
import { PerdureError } from "../errors/perdure-error.ts";

/** Both sides, in words. */
export interface OutcomeDifference {
  readonly recorded: string;
  readonly actual: string;
}

/** @param recorded what the run ended with, encoded  @param outcome what the code ended with, in the same way: which it was is in the rows */
export function differenceOfOutcomes(recorded: string, outcome: Exclude<Outcome, { status: "continued" }>): OutcomeDifference | null {
  if (outcome.status === "completed") {
    if (isSameValue(recorded, outcome.value)) return null;
    return { recorded: `completed with ${shown(recorded)}`, actual: `completed with ${shown(outcome.value)}` };
  }
  if (isSameError(recorded, outcome.error)) return null;
  return { recorded: `${outcome.status} with ${shown(recorded)}`, actual: `${outcome.status} with ${shown(outcome.error)}` };
}

/** Class, name and message are what counts of an error, of the runtime's own its code, for their texts may be improved; anything else may be thrown, too. */
function isSameError(one: string, other: string): boolean {
  if (one === other) return true;
  const [a, b] = [decode(one), decode(other)];
  if (!(a instanceof Error && b instanceof Error)) return isSameValue(one, other);
  if (a.constructor.name !== b.constructor.name || a.name !== b.name) return false;
  return PerdureError.is(a) && PerdureError.is(b) ? a.code === b.code : a.message === b.message;
}

const longest = 300;

function shown(encoded: string): string {
  let value: unknown;
  try {
    value = decode(encoded);
  } catch {
    return "a value that cannot be read here";
  }
  const text = value instanceof Error ? `${value.name}: ${value.message}` : inspect(value, { depth: 4, breakLength: Infinity });
  return text.length > longest ? `${text.slice(0, longest)} …` : text;
}
