import type { World } from "@perdure/world";
import { start } from "perdure/api";
import { WorkflowRunFailedError } from "perdure/errors";
import { type Outcome, outcomeOf } from "./program.ts";

/** A run that has ended, and what its history says. */
export interface DurableRun {
  readonly outcome: Outcome;
  /** The ids of the steps that completed or failed. */
  readonly steps: readonly string[];
  /** The number of events. */
  readonly length: number;
  /** How often a worker took the run up. */
  readonly claims: number;
}

/** Runs a workflow on the engine to its end. */
export async function runDurably(world: World, workflow: (...args: unknown[]) => Promise<unknown>, args: unknown[]): Promise<DurableRun> {
  const run = await start(workflow, args);
  const outcome = await outcomeOf(() => run.returnValue.catch((error: unknown) => Promise.reject(causeOf(error))));
  const { rows } = await world.load(run.runId);
  const record = await world.query.run({ id: run.runId });
  return { outcome, steps: rows.flatMap(({ data }) => endedStep(data)), length: rows.length, claims: record?.fence ?? 0 };
}

/** What the workflow threw. */
function causeOf(error: unknown): unknown {
  return WorkflowRunFailedError.is(error) ? error.cause : error;
}

/** The id of the step whose end a row of history tells; the first line of a row is its event. */
function endedStep(row: Uint8Array): string[] {
  const [line = ""] = Buffer.from(row).toString("utf8").split("\n", 1);
  const { type, op } = JSON.parse(line) as { type: string; op?: string };
  return op !== undefined && (type === "step_completed" || type === "step_failed") ? [op.replace(/#\d+$/, "")] : [];
}
