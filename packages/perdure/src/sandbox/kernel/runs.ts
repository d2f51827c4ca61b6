/** Other runs, as workflow code sees them: it starts, awaits and cancels them, and goes on in a new one. */
import { isRunId } from "@perdure/world";

import { encode } from "../../codec/index.ts";
import { markRun } from "../../codec/run-references.ts";
import { referenceOfFunction } from "../../codec/function-references.ts";
import { isWatched, type ChildRun } from "../../engine/event.ts";
import { CancelledError } from "../../errors/cancelled-error.ts";
import { PerdureError } from "../../errors/perdure-error.ts";
import { WorkflowRunCancelledError, WorkflowRunFailedError, WorkflowRunNotFoundError } from "../../errors/run-errors.ts";
import { checkArgs, readStartOptions, type StartOptions } from "../../start-options.ts";
import type { RunInWorkflow } from "../../run-in-workflow.ts";
import type { StepHandle } from "../../step-handle.ts";
import { find, put, without } from "../../few.ts";
import { giveUp } from "./calls.ts";
import { currentRun, isOver, limitOf, nextOperation, type OtherRun, type RunState } from "./run-state.ts";
import { cancellationOf, currentScope } from "./scopes.ts";

/** A run that was asked for. */
interface Started {
  readonly op: string;
  readonly handle: RunInWorkflow<unknown>;
  /** Settles once it is known whether the run was started, where that is in doubt. */
  readonly accepted: Promise<unknown> | null;
}

/** `start()` in workflow code, see `perdure/api`. */
export async function start(workflow: unknown, args: unknown, options: StartOptions = {}): Promise<RunInWorkflow<unknown>> {
  const { handle, accepted } = begin(workflow, args, options);
  await accepted;
  return handle;
}

/** `spawn()` of a workflow. */
export function spawnRun(workflow: unknown, args: unknown, options: StartOptions): StepHandle<unknown> {
  const run = currentRun();
  const { op, handle } = begin(workflow, args, options);
  return {
    id: handle.runId,
    result: handle.returnValue,
    cancel: (reason?: unknown) => giveUp(run, op, new CancelledError(reason)),
  };
}

function begin(workflow: unknown, args: unknown, options: StartOptions): Started {
  const run = currentRun();
  const workflowId = workflowIdOf(workflow);
  for (const name of ["world", "client", "version"] as const)
    if (options[name] !== undefined)
      throw new PerdureError("INVALID_ARGUMENT", `start(workflow, args, { ${name} }) cannot be used in workflow code.`);
  const settings = readStartOptions(options, run.now);
  const list = checkArgs(args);
  const scope = currentScope(run);
  const cancelled = cancellationOf(scope);
  if (cancelled) throw cancelled;
  const op = nextOperation(run, workflowId);
  const child: ChildRun = { ...settings, id: run.terms.sources.runIdFor(run.id, op, run.now), workflowId };
  run.out.push(
    "start",
    op,
    JSON.stringify(child),
    isOver(run, op, list) ? "" : encode([...list], "args", limitOf(run, `the workflow "${workflowId}", started by `)),
  );
  const id = child.key ?? child.id;
  if (!isWatched(child)) return { op, handle: handleOf(run, id, null), accepted: null };
  const other: OtherRun = { id, childId: child.id, accept: null };
  const accepted = child.ifExists === "fail" ? new Promise<void>((resolve, reject) => (other.accept = { resolve, reject })) : null;
  const answer = new Promise<unknown>((resolve, reject) => {
    const refuse = (error: unknown): void => {
      other.accept?.reject(error);
      reject(error as Error);
    };
    run.calls = put(run.calls, { op, resolve, reject: refuse, scope });
  });
  // A run that fails while nobody looks at its result is no mistake of this one.
  answer.catch(() => undefined);
  (run.extras.others ??= new Map()).set(op, other);
  return { op, handle: handleOf(run, id, answer), accepted };
}

/** @throws WORKFLOW_NOT_COMPILED */
function workflowIdOf(workflow: unknown): string {
  const reference = typeof workflow === "function" ? referenceOfFunction(workflow) : null;
  if (reference?.kind === "workflow") return reference.id;
  const name = typeof workflow === "function" ? `The function ${workflow.name || "(anonymous)"}` : `What was given (${typeof workflow})`;
  throw new PerdureError("WORKFLOW_NOT_COMPILED", `${name} is not a compiled workflow.`);
}

/** `getRun()` in workflow code, see `perdure/api`. */
export function getRun(id: string): RunInWorkflow<unknown> {
  if (typeof id === "string" && id.length > 0 && id.length <= 512) return handleOf(currentRun(), id, null);
  throw new PerdureError("INVALID_ARGUMENT", "getRun(id) takes a string of 1 to 512 characters.");
}

/** @param answer the promise of its end, where it was awaited from its start on */
function handleOf(run: RunState, id: string, answer: Promise<unknown> | null): RunInWorkflow<unknown> {
  const handle: RunInWorkflow<unknown> = {
    runId: id,
    get returnValue() {
      return answer ?? awaitRun(run, id);
    },
    async cancel({ reason } = {}) {
      run.out.push("request", nextOperation(run, `cancel ${id}`), id, encode(new CancelledError(reason), "reason"));
      return "requested" as const;
    },
  };
  for (const name of onlyOutside) Object.defineProperty(handle, name, { get: () => onHost(`run.${name}`), enumerable: false });
  return markRun(handle, id);
}

const onlyOutside = [
  "status",
  "note",
  "attributes",
  "read",
  "watch",
  "terminate",
  "rewind",
  "fork",
  "repin",
  "events",
  "wakeUp",
  "getReadable",
  "readable",
  "waits",
];

function onHost(name: string): never {
  throw new PerdureError("NOT_AVAILABLE_IN_WORKFLOW", `${name} cannot be used in workflow code.`);
}

/** What has the shape of the World's own ids is looked for as one first, and then as a key. */
async function awaitRun(run: RunState, id: string): Promise<unknown> {
  if (!isRunId(id)) return awaitAt(run, id, "key");
  try {
    return await awaitAt(run, id, "id");
  } catch (error) {
    if (!WorkflowRunNotFoundError.is(error)) throw error;
    return awaitAt(run, id, "key");
  }
}

async function awaitAt(run: RunState, id: string, by: "id" | "key"): Promise<unknown> {
  const scope = currentScope(run);
  const cancelled = cancellationOf(scope);
  if (cancelled) throw cancelled;
  const op = nextOperation(run, `await ${id}`);
  run.out.push("await", op, id, by);
  (run.extras.others ??= new Map()).set(op, { id, childId: "", accept: null });
  return new Promise<unknown>((resolve, reject) => {
    run.calls = put(run.calls, { op, resolve, reject, scope });
  });
}

/** What an event about another run means for whoever awaits it. */
export function settleRun(run: RunState, type: string, op: string, value: unknown): void {
  const other = run.known?.others?.get(op);
  if (!other) return;
  // A run that has ended was started, also where a crash came before the event that says so.
  if (type !== "run_missing") other.accept?.resolve();
  if (type === "run_accepted") return;
  run.known?.others?.delete(op);
  const call = find(run.calls, op);
  run.calls = without(run.calls, op);
  if (type === "run_completed") call?.resolve(value);
  else call?.reject(errorOf(type, other, value));
}

function errorOf(type: string, { id, accept }: OtherRun, value: unknown): Error {
  if (type === "run_failed") return new WorkflowRunFailedError(id, value);
  if (type === "run_cancelled") return new WorkflowRunCancelledError(id, value);
  return accept ? new PerdureError("RUN_ALREADY_EXISTS", `A run with the id "${id}" exists already.`) : new WorkflowRunNotFoundError(id);
}

/** Ends the workflow's function, on its way through its `finally` blocks. */
export class Continuation extends Error {
  /** The encoded arguments of the new run. */
  readonly args: string;

  constructor(args: string) {
    super("The workflow goes on in a new run.");
    this.name = "Continuation";
    this.args = args;
  }
}

/** See `continueAsNew` of `perdure`. */
export async function continueAsNew(args: unknown): Promise<never> {
  const run = currentRun();
  if (!Array.isArray(args)) throw new PerdureError("INVALID_ARGUMENT", "continueAsNew(args) takes the workflow's arguments as an array.");
  const cancelled = cancellationOf(currentScope(run));
  if (cancelled) throw cancelled;
  throw new Continuation(encode([...(args as unknown[])], "args", limitOf(run, "the successor of ")));
}
