import type { Run } from "../../src/api/index.ts";
import { WorkflowRunCancelledError, WorkflowRunFailedError } from "../../src/errors/index.ts";

/** How a run ended, in a line: `completed: value`, `failed: Error: message`, `cancelled: reason`. */
export async function endOf(run: Run<unknown>): Promise<string> {
  try {
    return `completed: ${show(await run.returnValue)}`;
  } catch (error) {
    if (WorkflowRunFailedError.is(error)) return `failed: ${show((error as Error).cause)}`;
    if (WorkflowRunCancelledError.is(error)) return `cancelled: ${show(((error as Error).cause as Error | undefined)?.cause)}`;
    throw error;
  }
}

function show(value: unknown): string {
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "undefined");
}
