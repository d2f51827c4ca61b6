import type { RunRecord } from "@perdure/world";

/** What a worker keeps of a run's record. Not the input, which the run's code has from its start on. */
export type ResidentRun = Pick<RunRecord, "id" | "key" | "workflowId" | "version" | "fence" | "createdAt">;
