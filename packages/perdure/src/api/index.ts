export { askHook, getHookByToken, resumeHook } from "./hooks.ts";
export type { HookInfo, ResumeOptions } from "./hooks.ts";
export type { AskOptions } from "../hook.ts";
export { resumeWebhook } from "./webhooks.ts";
export type { ResumeWebhookOptions } from "./webhooks.ts";
export { getRun } from "./run.ts";
export type { ForkOptions, RewindOptions, Rewound, Version } from "./repair.ts";
export { listVersions } from "./versions.ts";
export type { ListVersionsOptions, WorkflowVersion } from "./versions.ts";
export { exportHistory } from "./export-history.ts";
export type { ExportHistoryOptions } from "./export-history.ts";
export type { RecordedBundle, RecordedHistory, RecordedInput, RecordedRow } from "../recorded-history.ts";
export { checkRuns } from "./check.ts";
export type { CheckRunsOptions } from "./check.ts";
export type {
  ChangedStep,
  CheckedDifference,
  CheckedFailure,
  CheckedVersion,
  CheckReport,
  MissingStep,
  RunSample,
} from "./check-report.ts";
export type { SourcePosition } from "../source-position.ts";
export type { RunEvent, RunWait } from "./history.ts";
export type { CancelOptions, GetRunOptions, Run, RunResult, WakeUpOptions, WorkflowRunStatus } from "./run.ts";
export type { ReadableOptions, RunReadable } from "../streams/readable.ts";
export { start } from "./start.ts";
export type { DatabaseClient, StartOptions, WorkflowFunction } from "./start.ts";
export { startMany } from "./start-many.ts";
export type { StartRequest } from "./start-many.ts";
