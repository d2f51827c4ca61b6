import { decode } from "../codec/index.ts";
import type { Machine, PendingOperation } from "../engine/machine.ts";

/** How many operations a note names; the others are counted. */
const mostNamed = 3;

/** How much of an error's message it quotes. */
const longestQuote = 200;

/** One line for people: what an open run waits for and since when, or null while an attempt is under way. It stays the same for as long as that does. */
export function noteOf(machine: Machine): string | null {
  const named: string[] = [];
  for (const operation of machine.pending.values()) {
    if (operation.kind === "step" && operation.notBefore === null) return null;
    if (named.length < mostNamed) named.push(describe(operation));
  }
  if (named.length === 0) return "waits for nothing: it awaits a promise that no step, sleep or hook will settle";
  const others = machine.pending.size - named.length;
  return `${named.join("; ")}${others > 0 ? `; and ${others} more` : ""}`;
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
