import { mkdirSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";

import { getStepMetadata, getWorkflowMetadata, type StepMetadata } from "perdure";

import { config } from "./config.ts";

/** One line of `attempts.jsonl`. A process that dies in the middle leaves a `started` without an end. */
export interface AttemptEntry {
  readonly at: number;
  readonly pid: number;
  readonly runId: string;
  readonly stepId: string;
  readonly step: string;
  readonly attempt: number;
  readonly event: "started" | "finished" | "failed";
}

mkdirSync(config.ledgers, { recursive: true });
const file = openSync(join(config.ledgers, "attempts.jsonl"), "a");

/**
 * Runs the work of a step and notes when each attempt starts and ends, and in which process. Your steps do not need this: it is here so
 * that the demo can prove, without asking Perdure, which steps ran and how often.
 */
export async function logAttempt<T>(work: (step: StepMetadata) => Promise<T>): Promise<T> {
  const step = getStepMetadata();
  note(step, "started");
  try {
    const result = await work(step);
    note(step, "finished");
    return result;
  } catch (error) {
    note(step, "failed");
    throw error;
  }
}

function note({ stepId, stepName, attempt }: StepMetadata, event: AttemptEntry["event"]): void {
  const { workflowRunId: runId } = getWorkflowMetadata();
  const entry: AttemptEntry = { at: Date.now(), pid: process.pid, runId, stepId, step: stepName, attempt, event };
  // One write per line: the operating system keeps it, whatever happens to this process.
  writeSync(file, `${JSON.stringify(entry)}\n`);
}
