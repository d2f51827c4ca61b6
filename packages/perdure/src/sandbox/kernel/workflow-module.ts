import { registerClass } from "../../codec/index.ts";
import { FatalError, RetryableError, SerializationError, ValueTooLargeError } from "../../errors/step-errors.ts";
import {
  HookConflictError,
  HookDisposedError,
  HookNoReplyError,
  HookNotFoundError,
  HookPayloadInvalidError,
} from "../../errors/hook-errors.ts";
import { PerdureError } from "../../errors/perdure-error.ts";
import { WorkflowRunCancelledError, WorkflowRunFailedError, WorkflowRunNotFoundError } from "../../errors/run-errors.ts";
import type { HookDefinition, HookOptions, StandardSchema } from "../../hook.ts";
import type { WorkflowMetadata } from "../../step-context.ts";
import { createHook } from "./hooks.ts";
import { currentRun } from "./run-state.ts";
import { patched } from "./patches.ts";
import { saga } from "./saga.ts";
import { continueAsNew, getRun, start } from "./runs.ts";
import { getWritable } from "./streams.ts";
import { publish, setAttributes } from "./state.ts";
import { createWebhook } from "./webhooks.ts";
import { callStep, spawn, withOptions } from "./steps.ts";
import { scope, shield, sleep } from "./waits.ts";
import { CancelledError, TimeoutError } from "../../errors/cancelled-error.ts";
import { runScope, signalOf } from "./scopes.ts";

/** What workflow code gets when it imports `perdure` and its sub-paths: the names on `__perdure` in a bundle. Protocol 1. */
export const workflowModule = Object.freeze({
  callStep,
  continueAsNew,
  createHook,
  createWebhook,
  defineHook,
  getRun,
  getStepMetadata,
  getWorkflowMetadata,
  heartbeat,
  getWritable,
  outside,
  patched,
  registerClass,
  publish,
  saga,
  scope,
  setAttributes,
  shield,
  sleep,
  spawn,
  start,
  withOptions,
  CancelledError,
  FatalError,
  HookConflictError,
  HookDisposedError,
  HookNoReplyError,
  HookNotFoundError,
  HookPayloadInvalidError,
  PerdureError,
  RetryableError,
  SerializationError,
  ValueTooLargeError,
  TimeoutError,
  WorkflowRunCancelledError,
  WorkflowRunFailedError,
  WorkflowRunNotFoundError,
});

export type WorkflowModule = typeof workflowModule;

function defineHook<Input, Output = Input>(_options?: { readonly schema?: StandardSchema<Input, Output> }): HookDefinition<Input, Output> {
  return {
    create: (options?: HookOptions) => createHook<Output>(options),
    resume: outside("defineHook().resume()"),
    ask: outside("defineHook().ask()"),
  };
}

/** A function that belongs to the host: calling it in workflow code says so. */
function outside(name: string): (...args: unknown[]) => never {
  return () => {
    throw new PerdureError("NOT_AVAILABLE_IN_WORKFLOW", `${name} cannot be called in workflow code.`);
  };
}

function getStepMetadata(): never {
  throw new PerdureError("NOT_IN_STEP", "getStepMetadata() was called in workflow code, which is not a step.");
}

function heartbeat(): never {
  throw new PerdureError("NOT_IN_STEP", "heartbeat() was called in workflow code, which is not a step.");
}

function getWorkflowMetadata(): WorkflowMetadata {
  const run = currentRun();
  return {
    workflowRunId: run.name,
    workflowName: run.terms.workflowId,
    workflowStartedAt: new Date(run.startedAt),
    get signal() {
      return signalOf(runScope(run));
    },
  };
}
