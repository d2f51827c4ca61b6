import { readFile } from "node:fs/promises";

import type { RunWait } from "../api/history.ts";
import { compiledWorkflow } from "../compiled-workflow.ts";
import { decodeWith } from "../codec/index.ts";
import type { Machine, Outcome, PendingOperation } from "../engine/machine.ts";
import { PerdureError } from "../errors/perdure-error.ts";
import { each } from "../few.ts";
import { type ReadHistory, readHistory, type RecordedHistory, unreadable } from "../recorded-history.ts";
import { findWorkflowById } from "../registry.ts";
import { toText } from "../run-input.ts";
import { mapFrames } from "../source-positions.ts";
import { streamsOf } from "../streams/process-streams.ts";
import { shortName } from "../worker/note.ts";
import { type Code, createRehearsal, type Rehearsal, type Rehearsing } from "../worker/rehearsal.ts";
import { differenceOfOutcomes } from "./outcome.ts";
import { HistoryDifferenceError } from "./replay-error.ts";

/** What a workflow comes to by a history. */
export type ReplayedRun<R = unknown> =
  /** It goes on, and waits for these, in the order of asking. (Also where the run was ended from outside, by `terminate()` or a start that replaced it: the history does not know of that.) */
  | { readonly status: "running"; readonly waits: readonly RunWait[] }
  | { readonly status: "completed"; readonly value: R }
  /** `error`: what the workflow threw. */
  | { readonly status: "failed" | "cancelled"; readonly error: unknown }
  /** It went on in another run, with these arguments. */
  | { readonly status: "continued"; readonly runId: string; readonly args: readonly unknown[] };

/**
 * Replays a recorded history on the code that this process has of the workflow, and resolves with what it comes to if that does all along what the history says, and leaves the same
 * open or ends in the same way. Nothing else happens: no step is attempted, no World is opened, nothing is written.
 *
 * Compared are the operations in each row; the result, but for the stacks of errors in it, or class, name and message of the error; and where the history has its own code along, also
 * what it does not hold itself: the input of steps that have no answer yet, ends of sleeps, tokens of hooks, awaited runs.
 * @param history what `exportHistory()` gave, or the path or URL of a file with it (what `perdure export-history` printed); a relative path is one from the working directory
 * @throws NONDETERMINISM, as a {@link HistoryDifferenceError}; HISTORY_UNREADABLE; WORKFLOW_NOT_COMPILED; INVALID_ARGUMENT, for a history of another workflow; what stops the code
 * (WATCHDOG_TIMEOUT, say); what reading the file throws
 * @example
 * await replayHistory(fulfil, "test/histories/order-7.json");
 */
export async function replayHistory<A extends unknown[], R>(
  workflow: (...args: A) => Promise<R>,
  history: RecordedHistory | string | URL,
): Promise<ReplayedRun<R>> {
  const { id, bundle: code } = compiledWorkflow(workflow, "replayHistory()");
  const read = await readAny(history);
  const { workflowId } = read.run;
  if ((findWorkflowById(workflowId)?.id ?? workflowId) !== id)
    throw new PerdureError("INVALID_ARGUMENT", `replayHistory() was given the workflow "${id}" and a history of "${workflowId}".`);
  return (await replayOn(code, read)) as ReplayedRun<R>;
}

async function readAny(history: RecordedHistory | string | URL): Promise<ReadHistory> {
  if (typeof history !== "string" && !(history instanceof URL)) return readHistory(history, "What replayHistory() was given");
  const text = await readFile(history, "utf8");
  const from = `The history in ${history instanceof URL ? history.href : history}`;
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    throw unreadable(from, "it is not JSON", error);
  }
  return readHistory(document, from);
}

interface Stage {
  readonly rehearsal: Rehearsal;
  /** Settles when nothing is replayed there. */
  last: Promise<unknown>;
}

const stages = new Map<boolean, Stage>();

/** One after the other: a place has one run of an id at a time, and tests may replay the same one at once. */
function rehearse(code: Code, { run, rows, placed, bundle }: ReadHistory): Promise<Rehearsing> {
  let stage = stages.get(placed);
  if (!stage) stages.set(placed, (stage = { rehearsal: createRehearsal(placed), last: Promise.resolve() }));
  const { rehearsal, last } = stage;
  const next = last.then(() => rehearsal.rehearse({ run, rows }, code, bundle));
  stage.last = next.catch(() => undefined);
  return next;
}

/** The same on any code. @throws HistoryDifferenceError, and what stops the code */
export async function replayOn(code: Code, history: ReadHistory): Promise<ReplayedRun> {
  const { run, rows } = history;
  const { machine, difference } = await rehearse(code, history);
  if (difference) throw new HistoryDifferenceError(run, difference);
  const { outcome } = machine;
  const sides = outcome && outcome.status !== "continued" && run.output && differenceOfOutcomes(toText(run.output), outcome);
  if (sides) throw new HistoryDifferenceError(run, { row: rows.length - 1, ...sides, recordedAt: null, actualAt: null });
  return outcome ? ended(outcome, run.workflowId, code) : { status: "running", waits: waitsOf(machine) };
}

/** Streams are values too, and nothing is in them here. */
const streams = streamsOf(() =>
  Promise.reject(
    new PerdureError("INVALID_ARGUMENT", "A stream of a replayed run can be neither read nor written: its history does not have it."),
  ),
);

const decode = (text: string): unknown => decodeWith(streams, text);

function ended(outcome: Outcome, workflowId: string, code: Code): ReplayedRun {
  if (outcome.status === "completed") return { status: "completed", value: decode(outcome.value) };
  if (outcome.status === "continued")
    return { status: "continued", runId: outcome.runId, args: decode(outcome.args) as readonly unknown[] };
  const error = decode(outcome.error);
  mapFrames(error, workflowId, code);
  return { status: outcome.status, error };
}

function waitsOf({ pending }: Machine): RunWait[] {
  return [...each(pending)].map(waitOf);
}

function waitOf(operation: PendingOperation): RunWait {
  const { kind, op, askedAt } = operation;
  const common = { kind, operation: op, since: new Date(askedAt) };
  switch (operation.kind) {
    case "step": {
      const { stepId, attempt, notBefore, failure } = operation;
      return {
        ...common,
        name: shortName(stepId),
        attempt,
        ...(notBefore !== null && { until: new Date(notBefore) }),
        ...(failure?.maxAttempts != null && { maxAttempts: failure.maxAttempts }),
        ...(failure && { error: decode(failure.error) }),
      };
    }
    case "wait":
      return { ...common, name: op.slice(0, op.lastIndexOf("#")), until: new Date(operation.dueAt) };
    case "hook":
      return { ...common, name: operation.token };
    case "run":
      return { ...common, name: operation.run };
    default:
      return operation satisfies never;
  }
}
