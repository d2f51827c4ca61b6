import type { NewRun } from "@perdure/world";

/** The uuid of the n-th run of a test. */
export function runId(n: number): string {
  return `01890a5d-ac96-774b-bcce-${n.toString(16).padStart(12, "0")}`;
}

export function newRun(n: number, fields: Partial<NewRun> = {}): NewRun {
  return { id: runId(n), key: null, workflowId: "app#flow", version: "v1", input: new Uint8Array(10), dueAt: null, ...fields };
}
