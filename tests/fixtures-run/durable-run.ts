import type { World } from "@perdure/world";
import { start } from "perdure/api";
import { WorkflowRunFailedError } from "perdure/errors";
import { type Outcome, outcomeOf } from "./program.ts";

/** Runs a workflow on the engine and adds the ids of the steps that its history has an end of to `steps`. */
export async function runDurably(
  world: World,
  workflow: (...args: unknown[]) => Promise<unknown>,
  args: unknown[],
  steps: Set<string>,
): Promise<Outcome> {
  const run = await start(workflow, args);
  const outcome = await outcomeOf(() => run.returnValue.catch((error: unknown) => Promise.reject(causeOf(error))));
  const { rows } = await world.load(run.runId);
  for (const { data } of rows) {
    const [event] = Buffer.from(data).toString("utf8").split("\n", 1);
    const { type, op } = JSON.parse(event ?? "") as { type: string; op?: string };
    if (op !== undefined && (type === "step_completed" || type === "step_failed")) steps.add(op.replace(/#\d+$/, ""));
  }
  return outcome;
}

/** What the workflow threw. */
function causeOf(error: unknown): unknown {
  return WorkflowRunFailedError.is(error) ? error.cause : error;
}
