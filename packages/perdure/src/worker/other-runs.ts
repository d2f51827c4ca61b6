/** What a turn means to other runs: those that it starts, awaits, asks to end, and the one in which it goes on. */
import { isRunId, type Commit, type Message, type NewRun, type World } from "@perdure/world";

import { encodeThrown } from "../codec/index.ts";
import { isWatched, type Ask, type ChildRun, type RunName } from "../engine/event.ts";
import { each } from "../few.ts";
import type { Machine } from "../engine/machine.ts";
import { CancelledError } from "../errors/cancelled-error.ts";
import { PerdureError } from "../errors/perdure-error.ts";
import { findWorkflowById, type WorkflowBundle, type WorkflowInPlace } from "../registry.ts";
import { encodeRunInput, replacedOutput, toBytes } from "../run-input.ts";
import type { Bundles } from "./bundles.ts";
import type { Resident } from "./resident.ts";
import { seedOfChild } from "./sources.ts";

type Awaits = NonNullable<Commit["awaits"]>;

/** A request to end, as `run.cancel()` sends it: there is one per run. */
export function cancelMessage(to: Message["to"], reason: string): Message {
  return { id: "cancel", to, kind: "cancel", payload: toBytes(reason) };
}

/** What a turn sends to other runs; at the end of a run, also to those that it started. */
export function messagesOf(asks: readonly Ask[], machine: Machine): Message[] {
  const messages: Message[] = [];
  for (const ask of asks) {
    if (ask.kind === "cancel" && ask.child) messages.push(cancelMessage({ runId: ask.child.id }, ask.child.reason));
    else if (ask.kind === "request") messages.push(...addressesOf(ask.run).map((to) => cancelMessage(to, ask.reason)));
  }
  if (machine.outcome) messages.push(...partingMessages(machine));
  return messages;
}

/** What has the shape of an id may be a key all the same. The address that is nobody's has no effect. */
function addressesOf(run: string): Message["to"][] {
  return isRunId(run) ? [{ runId: run }, { key: run }] : [{ key: run }];
}

/** Asks the children of a run that ends to end. */
export function partingMessages({ pending }: Machine): Message[] {
  const messages: Message[] = [];
  let reason: string | null = null;
  for (const operation of each(pending)) {
    if (operation.kind !== "run" || !operation.isOwn) continue;
    reason ??= encodeThrown(new CancelledError("the run that started it has ended"));
    messages.push(cancelMessage({ runId: operation.run }, reason));
  }
  return messages;
}

/** The runs of whose end a turn wants to be told. */
export function awaitsOf(asks: readonly Ask[]): Awaits {
  const awaits: Awaits[number][] = [];
  for (const ask of asks) {
    if (ask.kind === "await") awaits.push({ operation: ask.op, run: ask.run });
    else if (ask.kind === "start" && isWatched(ask.run)) awaits.push({ operation: ask.op, run: addressOf(ask.run) });
  }
  return awaits;
}

/** Where another run may have the key, that one is awaited instead; where it must not, there is nothing to be awaited then. */
function addressOf({ id, key, ifExists }: ChildRun): RunName {
  return key === null || ifExists === "fail" ? { id } : { key };
}

/** Whether a turn starts runs, for which their code must be in the World first. */
export function startsRuns(asks: readonly Ask[]): boolean {
  return asks.some((ask) => ask.kind === "start" || ask.kind === "continued");
}

/** The runs that a turn starts, each with the code of its workflow that this process has. Stores that code. @throws WORKFLOW_NOT_FOUND, and what the World throws */
export async function runsOf(
  { run, seed, maxValueBytes, address, machine }: Resident,
  asks: readonly Ask[],
  bundles: Bundles,
): Promise<{ readonly runs?: readonly NewRun[]; readonly successor?: NewRun }> {
  const runs: NewRun[] = [];
  const parent = { runId: run.id, seed, maxValueBytes, address };
  for (const ask of asks) if (ask.kind === "start") runs.push(await newRun(ask, parent, bundles));
  const { outcome } = machine;
  if (outcome?.status !== "continued") return { runs };
  // A process that no longer has the workflow goes on with the code that the run has.
  const bundle = findWorkflowById(run.workflowId)?.bundle;
  if (bundle) await bundles.save(bundle);
  const successor: NewRun = {
    id: outcome.runId,
    key: null,
    workflowId: run.workflowId,
    version: bundle?.version ?? run.version,
    input: encodeRunInput({
      seed: seedOfChild(seed, "successor"),
      args: outcome.args,
      deadlineAt: machine.deadlineAt,
      maxValueBytes,
      address,
    }),
    dueAt: null,
  };
  return { ...(runs.length > 0 && { runs }), successor };
}

async function newRun(
  { op, run, args }: Extract<Ask, { kind: "start" }>,
  parent: Pick<Resident, "seed" | "maxValueBytes" | "address"> & { readonly runId: string },
  bundles: Bundles,
): Promise<NewRun> {
  const bundle = bundleOf(run.workflowId);
  await bundles.save(bundle);
  return {
    id: run.id,
    key: run.key,
    workflowId: run.workflowId,
    version: bundle.version,
    input: encodeRunInput({
      seed: seedOfChild(parent.seed, op),
      args,
      deadlineAt: run.deadlineAt,
      startAt: run.dueAt,
      maxValueBytes: parent.maxValueBytes,
      address: parent.address,
    }),
    dueAt: run.dueAt,
    parent: run.parentClosePolicy === "cancel" ? { runId: parent.runId, operation: op } : null,
    ...(run.attributes && { attributes: run.attributes }),
    ...(run.ifExists === "replace" && { ifKeyExists: run.ifExists, replaceOutput: replacedOutput() }),
  };
}

function bundleOf(workflowId: string): WorkflowBundle | WorkflowInPlace {
  const bundle = findWorkflowById(workflowId)?.bundle;
  if (bundle) return bundle;
  throw new PerdureError("WORKFLOW_NOT_FOUND", `No code of this process has the workflow "${workflowId}".`);
}

/** Asks the children of a run to end that could not do so itself: it was ended from outside, or given up unread. Calling it again does no harm. */
export async function cancelChildren(world: World, parent: string): Promise<void> {
  const reason = encodeThrown(new CancelledError("the run that started it has ended"));
  let cursor: string | undefined;
  do {
    const page = await world.query.runs({ parent, status: "running", ...(cursor !== undefined && { cursor }) });
    if (page.runs.length > 0) await world.deliver(page.runs.map((child) => cancelMessage({ runId: child.id }, reason)));
    cursor = page.cursor ?? undefined;
  } while (cursor !== undefined);
}
