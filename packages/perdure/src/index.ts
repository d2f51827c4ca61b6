/**
 * What workflows and steps import. Inside a workflow these names are bound to the sandbox; the functions here are what they are on the host, where they say
 * what is wrong, or belong to steps.
 */
import { resumeHook } from "./api/hooks.ts";
import type { Duration } from "./duration.ts";
import { PerdureError } from "./errors/perdure-error.ts";
import { workflowScope } from "./in-place.ts";
import type { Hook, HookDefinition, HookOptions, StandardSchema } from "./hook.ts";
import { currentStepContext, type StepMetadata, type WorkflowMetadata } from "./step-context.ts";

export type { Duration } from "./duration.ts";
export { FatalError, RetryableError } from "./errors/step-errors.ts";
export type { Hook, HookDefinition, HookOptions, StandardSchema } from "./hook.ts";
export type { DurableFunction, NotSerializable, Serializable } from "./serializable.ts";
export type { StepMetadata, WorkflowMetadata } from "./step-context.ts";

/**
 * Waits durably: milliseconds, text such as `"1h 30m"`, or until a Date. While a run sleeps it needs no process; it goes on when the time has come
 * and a worker is there.
 * @throws NOT_IN_WORKFLOW outside of a workflow, INVALID_ARGUMENT
 */
export function sleep(until: Duration | Date): Promise<void> {
  return workflowScope()?.sleep(until) ?? Promise.reject(notInWorkflow("sleep()"));
}

/**
 * Opens a hook: a place where payloads arrive from outside, by `resumeHook(hook.token, payload)`.
 * @throws NOT_IN_WORKFLOW outside of a workflow
 * @example
 * const approval = createHook<{ approved: boolean }>({ token: `approve-${order.id}` });
 * const { approved } = await approval;
 */
export function createHook<T = unknown>(options?: HookOptions): Hook<T> {
  const scope = workflowScope();
  if (scope) return scope.createHook<T>(options);
  throw notInWorkflow("createHook()");
}

/**
 * Defines a typed hook, with a schema that checks each payload before it is delivered.
 * @example
 * export const approval = defineHook<{ approved: boolean }>();
 * // in the workflow:   const { approved } = await approval.create({ token });
 * // anywhere else:     await approval.resume(token, { approved: true });
 */
export function defineHook<T = unknown>(options: { readonly schema?: StandardSchema<T> } = {}): HookDefinition<T> {
  return {
    create: (hookOptions) => {
      const scope = workflowScope();
      if (scope) return scope.createHook<T>(hookOptions);
      throw notInWorkflow("defineHook().create()");
    },
    async resume(token, payload, resumeOptions) {
      return resumeHook(token, await validate(options.schema, payload), resumeOptions);
    },
  };
}

async function validate<T>(schema: StandardSchema<T> | undefined, payload: T): Promise<T> {
  if (!schema) return payload;
  const result = await schema["~standard"].validate(payload);
  if (!result.issues) return result.value;
  const issues = result.issues.map(
    ({ message, path = [] }) => `${path.length > 0 ? `${path.map(segmentText).join(".")}: ` : ""}${message}`,
  );
  throw new PerdureError("HOOK_PAYLOAD_INVALID", `The payload does not fit the hook's schema: ${issues.join("; ")}.`, {
    cause: result.issues,
  });
}

function segmentText(segment: unknown): string {
  return String(typeof segment === "object" && segment !== null && "key" in segment ? segment.key : segment);
}

/** What the running attempt of a step may know of itself. @throws NOT_IN_STEP */
export function getStepMetadata(): StepMetadata {
  return workflowScope()?.getStepMetadata() ?? currentStepContext("getStepMetadata()").step;
}

/** What workflow code, or a step, may know of its run. @throws NOT_IN_STEP outside of both */
export function getWorkflowMetadata(): WorkflowMetadata {
  return workflowScope()?.getWorkflowMetadata() ?? currentStepContext("getWorkflowMetadata()").workflow;
}

function notInWorkflow(what: string): PerdureError {
  return new PerdureError("NOT_IN_WORKFLOW", `${what} was called outside of a workflow.`);
}
