/** What is done about runs whose code was wrong: see docs/repairing.md. */
import { answerId, answerPayload, isRunId, type AnswerStatus, type Await, type NewRun, type RunRecord, type World } from "@perdure/world";
import { v7 as uuidV7 } from "uuid";

import { encode } from "../codec/index.ts";
import type { Row } from "../engine/row.ts";
import { PerdureError } from "../errors/perdure-error.ts";
import { WorkflowRunNotFoundError } from "../errors/run-errors.ts";
import { findBundle, findWorkflow, findWorkflowById } from "../registry.ts";
import { monotonicNow, setTimeout } from "../host-timers.ts";
import { decodeRunInput, encodeRunInput, toBytes, toText, type RunInput } from "../run-input.ts";
import { checkArgs, readStartOptions } from "../start-options.ts";
import { createBundles } from "../worker/bundles.ts";
import { readRows } from "../worker/replay.ts";
import {
  awaitedBehind,
  closedBehind,
  type Cut,
  cutAt,
  type CutPoint,
  mailOf,
  refused,
  rowsBeforeFailure,
  rowsBeforeStep,
  startedBehind,
} from "./history-cut.ts";
import { eachRun } from "../each-run.ts";
import { randomBytes16 } from "./random-bytes.ts";

/** Code of the run's workflow: a version that the World or this process has, or the workflow's function, which stands for the code that this process has. */
export type Version = string | ((...args: never[]) => unknown);

export interface RewindOptions {
  /**
   * How many rows of its history the run keeps, as `events()` numbers them; 0: it begins again, by its clock at the time at which it did. Default: `"failure"`, the rows before the step (or the other run) that it failed with, so that this
   * gets all of its attempts again; where the workflow's own code threw, the rows before that turn. Of a cancelled run: the rows before the request. `{ step: "charge" }`: the rows before the first
   * attempt of that step, by its name or id (its first call), or by its operation as events name it.
   */
  readonly to?: CutPoint;
  /** The code that it goes on with; default: the one that it has. */
  readonly version?: Version;
}

/** What became of a rewound run. */
export interface Rewound {
  /** How many rows it has kept. */
  readonly kept: number;
  /** The id of the run, ended, that is what it was: all rows, output and version. */
  readonly copy: string;
}

export interface ForkOptions extends RewindOptions {
  /** The arguments of the new run; default: those of the run. The rows that it keeps were made with the former ones. */
  readonly args?: readonly unknown[];
  /** A name for the new run, as of `start()`. @see RUN_ALREADY_EXISTS */
  readonly id?: string;
}

/** Finds the run as it is now. */
type Find = () => Promise<RunRecord>;

/** An open run grows while it is looked at. */
const mostTries = 8;

/** See `Run.rewind`. */
export async function rewind(world: World, find: Find, { to = "failure", version }: RewindOptions): Promise<Rewound> {
  const copy = { id: idNear(world, (await find()).id), note: "" };
  let first: RunRecord | null = null;
  for (let tries = 0; tries < mostTries; tries++) {
    const run = await find();
    const isOther = first !== null && (first.id !== run.id || first.fence !== run.fence || first.status !== run.status);
    if (isOther) throw changed(run);
    first = run;
    if (run.status === "completed") throw refused("it has completed, and whoever asked has its result: fork it");
    const rows = await historyOf(world, run.id);
    const cut = cutAt(rows, keptRows(rows, run, to));
    await checkRewind(world, run, cut);
    const { messages, awaits } = await awaitsOf(world, cut);
    const mail = mailOf(cut, to === "failure");
    const outcome = await world.amend(run.id, {
      seen: { status: run.status, fence: run.fence },
      ...(version !== undefined && { version: await versionOf(world, run, version) }),
      rewind: {
        length: rows.length,
        keepRows: cut.keep,
        copy: {
          ...copy,
          note: `what run ${run.key ?? run.id} was before it was rewound to row ${cut.keep}${run.note === null ? "" : `; ${run.note}`}`,
        },
        operations: cut.open.map(({ op }) => op),
        forgotten: mail.forgotten,
        messages: [...mail.messages, ...messages],
        awaits,
      },
    });
    if (outcome === "amended") return { kept: cut.keep, copy: copy.id };
    if (outcome === "not_found") throw new WorkflowRunNotFoundError(run.id);
  }
  throw changed(first as RunRecord);
}

/** See `Run.repin`. */
export async function repin(world: World, find: Find, given: Version): Promise<void> {
  let first: RunRecord | null = null;
  await untilWritten(world, find);
  for (let tries = 0; tries < mostTries; tries++) {
    const run = await find();
    if (run.status !== "running") throw refused(`it is ${run.status}: rewind it to go on with other code`);
    if (first !== null && first.version !== run.version) throw changed(run);
    first = run;
    const version = await versionOf(world, run, given);
    const outcome = await world.amend(run.id, { seen: { status: run.status, fence: run.fence }, version });
    if (outcome === "amended") return;
    if (outcome === "not_found") throw new WorkflowRunNotFoundError(run.id);
  }
  throw changed(first as RunRecord);
}

/** Longer than an owner keeps the first row of a run to itself, with which steps have begun (`worker/deferral.ts`). */
const longestUnwrittenMs = 1500;

/** With other code a run that has no row would begin anew, and what it had begun would be in no history. */
async function untilWritten(world: World, find: Find): Promise<void> {
  const end = monotonicNow() + longestUnwrittenMs;
  for (;;) {
    const { id, owner } = await find();
    if (owner === null || (await world.load(id, { limit: 1 })).rows.length > 0 || monotonicNow() > end) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** See `Run.fork`. */
export async function fork(world: World, run: RunRecord, options: ForkOptions): Promise<RunRecord> {
  const { to = "failure", version, args, id } = options;
  const { key } = readStartOptions(id === undefined ? {} : { id }, 0);
  const page = await world.load(run.id);
  const rows = readRows(page.rows);
  const cut = cutAt(rows, keptRows(rows, run, to));
  checkFork(run, cut);
  const input = decodeRunInput(run.input);
  const created: NewRun = {
    id: idNear(world, run.id),
    key,
    workflowId: run.workflowId,
    version: version === undefined ? run.version : await versionOf(world, run, version),
    input: encodeRunInput({
      ...forkedSeeds(input, cut.keep),
      args:
        args === undefined
          ? input.args
          : encode(checkArgs(args), "args", { maxBytes: input.maxValueBytes, of: `a fork of run "${run.id}"` }),
      deadlineAt: null,
      maxValueBytes: input.maxValueBytes,
      address: input.address,
    }),
    dueAt: null,
    attributes: run.attributes,
    history: page.rows.slice(0, cut.keep).map(({ data }) => data),
  };
  const [result] = await world.createRuns([created]);
  if (!result?.created) throw new PerdureError("RUN_ALREADY_EXISTS", `A run with the id "${key ?? created.id}" exists already.`);
  return result.run;
}

/** The rows that are copied follow from the seeds with which they were made, and all else from a new one. */
function forkedSeeds({ seed, reseeds }: Required<RunInput>, keep: number): Pick<RunInput, "seed" | "reseeds"> {
  const own = Buffer.from(randomBytes16()).toString("hex");
  return keep === 0 ? { seed: own } : { seed, reseeds: [...reseeds.filter(({ rows }) => rows < keep), { rows: keep, seed: own }] };
}

function keptRows(rows: readonly Row[], { status, output }: RunRecord, to: CutPoint): number {
  if (typeof to === "number") return to;
  if (typeof to === "object" && to !== null && typeof to.step === "string") return rowsBeforeStep(rows, to.step);
  if (to !== "failure")
    throw new PerdureError(
      "INVALID_ARGUMENT",
      `{ to } is ${JSON.stringify(to)}; it must be the number of a row, "failure", or { step } with the name of a step.`,
    );
  if (status === "failed" || status === "cancelled")
    return rowsBeforeFailure(rows, { status, output: output === null ? "" : toText(output) });
  throw refused(`it has not failed (it is ${status}): say which row is the last one to keep`);
}

async function checkRewind(world: World, run: RunRecord, cut: Cut): Promise<void> {
  const { deadlineAt, reseeds } = decodeRunInput(run.input);
  const [own] = reseeds.slice(-1);
  if (own && own.rows > cut.keep) throw refused(`its first ${own.rows} rows are those of the run that it was forked from: fork that one`);
  const [closed] = closedBehind(cut);
  if (closed !== undefined) throw refused(`the rows that would go close the stream "${closed}", to which nothing could be written again`);
  const isOver = deadlineAt !== null && deadlineAt <= Date.now();
  if (isOver && cut.rest.some(({ event }) => event.type === "cancel_requested" && event.message === "")) {
    throw refused("its deadline is over, and it would be cancelled again at once: fork it, which leaves the deadline behind");
  }
  const started = startedBehind(cut);
  if (started.size === 0) return;
  for await (const child of eachRun(world, { parent: run.id, status: "running" })) {
    if (!started.has(child.parent?.operation ?? "")) continue;
    throw refused(
      `the rows that would go have started run ${child.key ?? child.id}, which is open and would go on beside the one that is started in its place: end it first`,
    );
  }
}

function checkFork(run: RunRecord, { open }: Cut): void {
  const hook = open.find(({ kind }) => kind === "hook");
  if (hook && run.status === "running")
    throw refused(`the rows that would be copied leave ${hook.op} open, whose token the run has: end it first, or fork it at another row`);
  const other = open.find(({ kind }) => kind === "run");
  if (other)
    throw refused(
      `the rows that would be copied leave run ${other.run ?? other.op} awaited, which is another run's to await: fork it at another row`,
    );
}

/** What is awaited is asked anew: it may have been repaired since. An end that only the history knows of, because the run that ended was removed, is told again from there. */
async function awaitsOf(
  world: World,
  cut: Cut,
): Promise<{ readonly awaits: readonly Await[]; readonly messages: ReturnType<typeof mailOf>["messages"] }> {
  const awaits: Await[] = [];
  const messages: ReturnType<typeof mailOf>["messages"][number][] = [];
  for (const { operation, run: name, told } of awaitedBehind(cut)) {
    const run = (isRunId(name) ? await world.query.run({ id: name }) : null) ?? (await world.query.run({ key: name }));
    if (run !== null) awaits.push({ operation, run: { id: run.id } });
    else {
      const status = (told ? endings[told.event.type] : undefined) ?? "not_found";
      const payload = answerPayload(status, told ? toBytes(told.payload) : null);
      messages.push({ id: answerId(operation), kind: "ended", operation, payload });
    }
  }
  return { awaits, messages };
}

const endings: Readonly<Record<string, AnswerStatus>> = { run_completed: "completed", run_failed: "failed", run_cancelled: "cancelled" };

/** @throws INVALID_ARGUMENT, VERSION_NOT_FOUND */
async function versionOf(world: World, { workflowId }: RunRecord, given: Version): Promise<string> {
  const bundle = typeof given === "string" ? findBundle(workflowId, given) : findWorkflow(given)?.bundle;
  if (typeof given === "function" && (!bundle || findWorkflowById(workflowId)?.id !== findWorkflow(given)?.id)) {
    throw new PerdureError("INVALID_ARGUMENT", `The function ${given.name} is not the run's workflow, ${workflowId}.`);
  }
  if (bundle) {
    await createBundles(world).save(bundle);
    return bundle.version;
  }
  if (typeof given !== "string" || given === "")
    throw new PerdureError("INVALID_ARGUMENT", "A version is a text, or the function of the run's workflow.");
  if ((await world.code.get(given)) === null) {
    throw new PerdureError("VERSION_NOT_FOUND", `Neither the World nor this process has version ${given} of workflow "${workflowId}".`);
  }
  return given;
}

function idNear(world: World, near: string): string {
  return world.newRunId?.({ near }) ?? uuidV7({ random: randomBytes16() });
}

async function historyOf(world: World, runId: string): Promise<Row[]> {
  return readRows((await world.load(runId)).rows);
}

function changed({ id, key }: RunRecord): PerdureError {
  return new PerdureError("RUN_CHANGED", `Run "${key ?? id}" was changed meanwhile, or goes on too fast to be caught; nothing was done.`);
}
