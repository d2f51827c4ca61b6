import type { Ask, ChildRun } from "../engine/event.ts";
import { append, none } from "../lists.ts";
import type { StepSettings } from "../step-options.ts";

/** A line that workflow code wrote to its console. */
export interface LogLine {
  readonly level: string;
  readonly text: string;
}

/** Reads what the kernel put out (four strings per ask, as `sandbox/kernel/index.ts` lists them), but for lines of the console. */
export function readAsks(out: readonly string[] | null): readonly Ask[] {
  let asks: readonly Ask[] = none;
  if (out === null) return asks;
  for (let index = 0; index < out.length; index += 4) {
    const kind = out[index] ?? "";
    if (kind !== "log") asks = append(asks, readAsk(kind, out[index + 1] ?? "", out[index + 2] ?? "", out[index + 3] ?? ""));
  }
  return asks;
}

/** The lines of the console. */
export function readLogs(out: readonly string[] | null): readonly LogLine[] {
  let logs: readonly LogLine[] = none;
  if (out === null) return logs;
  for (let index = 0; index < out.length; index += 4) {
    if (out[index] === "log") logs = append(logs, { level: out[index + 1] ?? "", text: out[index + 2] ?? "" });
  }
  return logs;
}

function readAsk(kind: string, op: string, first: string, second: string): Ask {
  switch (kind) {
    case "step":
      return readStep(op, first, second);
    case "wait":
      return { kind, op, dueAt: Number(first) };
    case "hook":
      return { kind, op, token: first, metadata: second };
    case "dispose":
      return { kind, op };
    case "cancel":
      return { kind, op, child: first === "" ? null : { id: first, reason: second } };
    case "start":
      return { kind, op, run: JSON.parse(first) as ChildRun, args: second };
    case "await":
      return { kind, op, run: second === "key" ? { key: first } : { id: first } };
    case "request":
      return { kind, op, run: first, reason: second };
    case "continued":
      return { kind, runId: op, args: first };
    case "state":
      return { kind, key: op, value: first };
    case "reply":
      return { kind, message: op, value: first };
    case "chunk":
      return { kind, stream: op, data: first };
    case "close":
      return { kind: "chunk", stream: op, data: null };
    case "signal":
      return { kind, signal: Number(op), reason: first };
    case "patch":
      return { kind, name: op };
    case "attributes":
      return { kind, changes: first };
    case "completed":
      return { kind, value: first };
    case "failed":
    case "cancelled":
      return { kind, error: first };
    default:
      throw new TypeError(`The kernel asked for an unknown "${kind}".`);
  }
}

/** The id of the step, behind a line feed what the call says of its attempts. */
function readStep(op: string, first: string, input: string): Ask {
  const end = first.indexOf("\n");
  if (end < 0) return { kind: "step", op, stepId: first, input, settings: null };
  return { kind: "step", op, stepId: first.slice(0, end), input, settings: JSON.parse(first.slice(end + 1)) as StepSettings };
}
