export { getHookByToken, resumeHook } from "./hooks.ts";
export type { HookInfo, ResumeOptions } from "./hooks.ts";
export { getRun } from "./run.ts";
export type { Run, WorkflowRunStatus } from "./run.ts";
export { start } from "./start.ts";
export type { StartOptions, WorkflowFunction } from "./start.ts";
