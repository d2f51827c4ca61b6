export { getHookByToken, resumeHook } from "./hooks.ts";
export type { HookInfo, ResumeOptions } from "./hooks.ts";
export { getRun } from "./run.ts";
export type { CancelOptions, GetRunOptions, Run, RunResult, WakeUpOptions, WorkflowRunStatus } from "./run.ts";
export type { ReadableOptions, RunReadable } from "../streams/readable.ts";
export { start } from "./start.ts";
export type { StartOptions, WorkflowFunction } from "./start.ts";
export { startMany } from "./start-many.ts";
export type { StartRequest } from "./start-many.ts";
