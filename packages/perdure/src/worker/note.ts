import { decode } from "../codec/index.ts";
import type { Machine, PendingOperation } from "../engine/machine.ts";
import { countOf, each } from "../few.ts";

/** How many operations a note names; the others are counted. */
const mostNamed = 3;

/** How much of an error's message it quotes. */
const longestQuote = 200;

/** One line for people: what an open run waits for and since when, or null while an attempt is under way. It stays the same for as long as that does. */
export function noteOf(machine: Machine): string | null {
  const named: string[] = [];
  for (const operation of each(machine.pending)) {
    if (operation.kind === "step" && operation.notBefore === null) return null;
    if (named.length < mostNamed) named.push(describe(operation));
  }
  if (named.length === 0) return "waits for nothing: it awaits a promise that no step, sleep or hook will settle";
  const others = countOf(machine.pending) - named.length;
  return `${named.join("; ")}${others > 0 ? `; and ${others} more` : ""}`;
}

/**
 * A number for a note, by which to tell whether it is still the same (FNV-1a, 30 bits; 0 for none): the text would take 100 bytes of every run that waits. That two notes have the same
 * number happens once in 10⁹ times, and leaves the former one in the run's row.
 */
export function markOf(note: string | null): number {
  if (note === null) return 0;
  let mark = 0x811c9dc5;
  for (let index = 0; index < note.length; index++) mark = Math.imul(mark ^ note.charCodeAt(index), 0x01000193);
  return (mark >>> 2) + 1;
}

function describe(operation: PendingOperation): string {
  switch (operation.kind) {
    case "step": {
      const { attempt, failure, stepId, notBefore } = operation;
      const of = failure?.maxAttempts ? ` of ${failure.maxAttempts}` : "";
      const error = failure ? `: ${describeError(failure.error).slice(0, longestQuote)}` : "";
      return `attempt ${attempt}${of} of ${shortName(stepId)} at ${time(notBefore ?? 0)}${error}`;
    }
    case "wait":
      return `${operation.op.startsWith("sleep#") ? "sleeps" : "waits"} until ${time(operation.dueAt)}`;
    case "hook":
      return `waits for hook ${operation.token} since ${time(operation.askedAt)}`;
    case "run":
      return `waits for run ${operation.run} since ${time(operation.askedAt)}`;
    default:
      return operation satisfies never;
  }
}

const time = (at: number): string => new Date(at).toISOString();

/** `charge` of `shop/src/orders.ts#charge`: what people call it, and few enough names to group by. */
export function shortName(id: string): string {
  return id.slice(id.indexOf("#") + 1);
}

/** `TypeError: x is not a function`: one line for lists of runs. */
export function describeError(encoded: string): string {
  let error: unknown;
  try {
    error = decode(encoded);
  } catch {
    return "an error that this process cannot read";
  }
  const text = error instanceof Error ? `${error.name}: ${error.message}` : `threw ${String(error)}`;
  return text.replace(/\s*\n\s*/g, " ").slice(0, 500);
}
