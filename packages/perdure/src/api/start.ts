import type { CreatedRun, NewRun, RunRecord, World } from "@perdure/world";
import { v7 as uuidV7 } from "uuid";

import { encode, encodePlacing, type StreamReference } from "../codec/index.ts";
import { maxValueBytes, publicUrl } from "../config.ts";
import { PerdureError } from "../errors/perdure-error.ts";
import { type CompiledWorkflow, compiledWorkflow } from "../compiled-workflow.ts";
import type { WorkflowBundle, WorkflowInPlace } from "../registry.ts";
import { monotonicNow, setImmediate } from "../host-timers.ts";
import { workflowScope } from "../in-place.ts";
import { perWorldAndLane } from "../lanes.ts";
import { encodeRunInput, replacedOutput } from "../run-input.ts";
import { assertWorks, getWorld, openedWorld, workerOf } from "../runtime.ts";
import type { Serializable } from "../serializable.ts";
import { checkArgs, readStartOptions, type DatabaseClient, type StartOptions } from "../start-options.ts";
import { valueStreamName } from "../streams/namespace.ts";
import { copyInto } from "../streams/process-streams.ts";
import { createBatcher } from "../batcher.ts";
import { upgradeOf } from "../workflow-options.ts";
import { createBundles, type Bundles } from "../worker/bundles.ts";
import { cancelChildren } from "../worker/other-runs.ts";
import type { Worker } from "../worker/worker.ts";
import { randomBytes16 } from "./random-bytes.ts";
import { runHandle, type Run } from "./run.ts";

export type { DatabaseClient, StartOptions };

/** A workflow function, as `start()` takes it. */
export type WorkflowFunction<A extends unknown[], R> = (...args: A) => Promise<R>;

/**
 * Starts a run. When the promise resolves the run is durable: it will be executed to its end, by this process or by another one. Starts that are made
 * at the same time share a transaction.
 *
 * ReadableStreams among the arguments are copied into streams of the run, which begins meanwhile and may read them; the promise resolves when they have ended.
 *
 * Arguments that cannot be stored, and workflows whose result cannot be, are errors of types: see {@link Serializable}.
 * With `client` the run is a part of the caller's transaction instead: it is durable, and begins, when that commits, and the handle can be used from then on.
 *
 * @throws WORKFLOW_NOT_COMPILED, SERIALIZATION_FAILED and VALUE_TOO_LARGE (with the path in `args`; nothing is written), INVALID_ARGUMENT, RUN_ALREADY_EXISTS, CLIENT_NOT_SUPPORTED, VERSION_NOT_FOUND and
 * BUNDLE_CORRUPT (for `version`)
 * @example
 * const run = await start(fulfilOrder, [order], { id: `order-${order.id}` });
 * console.log(await run.returnValue);
 */
export async function start<A extends unknown[], R>(
  workflow: WorkflowFunction<A, Serializable<R, "result">>,
  args: Serializable<A, "args">,
  options: StartOptions = {},
): Promise<Run<R>> {
  const inWorkflow = workflowScope();
  if (inWorkflow) return inWorkflow.start(workflow, args, options) as unknown as Promise<Run<R>>;
  const { client } = options;
  const prepared = prepareStart(workflow, args, options, client === undefined);
  const world = options.world ?? openedWorld() ?? (await getWorld());
  const run = prepared.place(world);
  const { ifExists } = prepared;
  const streams = prepared.streams.map(({ source, name }) => ({ source, reference: { runId: run.id, name } }));
  const create = client === undefined ? null : creatorIn(world, client, [run]);
  const saving = saveCode(world, prepared);
  if (saving) await saving;
  const {
    run: created,
    created: isNew,
    replaced,
  } = create ? ((await create())[0] as CreatedRun) : await creatorOf(world, run.id).submit(run);
  if (replaced !== null) await cancelChildren(world, replaced);
  if (ifExists === "fail" && !isNew) {
    throw new PerdureError("RUN_ALREADY_EXISTS", `A run with the id "${run.key}" exists already: it is ${created.status}.`);
  }
  if (streams.length > 0) await (isNew ? copyStreams(world, streams) : leaveStreams(streams));
  return handleOf<R>(created, options);
}

/**
 * Creates runs by a transaction of the caller's. Nobody owns them, because nobody may execute them before its commit; nothing is tried again, because that is the caller's affair.
 * @throws CLIENT_NOT_SUPPORTED, INVALID_ARGUMENT; at once
 */
export function creatorIn(world: World, client: DatabaseClient, runs: readonly NewRun[]): () => Promise<CreatedRun[]> {
  if (!world.createRunsIn) {
    throw new PerdureError(
      "CLIENT_NOT_SUPPORTED",
      `A World of the kind "${world.name}" cannot start a run in a transaction of the caller's.`,
    );
  }
  if (runs.some(({ ifKeyExists }) => ifKeyExists === "replace")) {
    throw new PerdureError("INVALID_ARGUMENT", 'start(workflow, args, { client }) takes no ifExists: "replace".');
  }
  return () => world.createRunsIn!(client, runs);
}

/** A stream among the arguments of a new run, and where the run will look for what it gives. */
interface ArgumentStream {
  readonly source: ReadableStream;
  readonly reference: StreamReference;
}

/** Fills the streams that the arguments of a new run refer to. What they give is stored while it comes; a source that fails makes the readers fail. */
async function copyStreams(world: World, streams: readonly ArgumentStream[]): Promise<void> {
  await Promise.all(streams.map(({ source, reference }) => copyInto(world, reference, source)));
}

/** The run exists, with the arguments that it was started with. */
async function leaveStreams(streams: readonly ArgumentStream[]): Promise<void> {
  await Promise.allSettled(streams.map(({ source }) => source.cancel("the run exists already")));
}

/** A start whose arguments have been checked and encoded. */
export interface PreparedStart {
  /** The run as it is to be created: with an id of the World's, where that makes them. @param near another run, with which it is to live */
  place(world: World, near?: string): NewRun;
  readonly workflowId: string;
  /** This process's code of the workflow; the run's where it is of its version. */
  readonly bundle: WorkflowBundle | WorkflowInPlace;
  readonly version: string;
  readonly ifExists: NonNullable<StartOptions["ifExists"]>;
  /** Streams among the arguments, and the names of the run's own that will have what they give. */
  readonly streams: readonly { readonly source: ReadableStream; readonly name: string }[];
}

/**
 * @param takesStreams whether what streams among the arguments give will be stored; else they are refused
 * @throws WORKFLOW_NOT_COMPILED, SERIALIZATION_FAILED, INVALID_ARGUMENT
 */
export function prepareStart(workflow: unknown, args: unknown, options: StartOptions, takesStreams = false): PreparedStart {
  const { id: workflowId, bundle } = registrationOf(workflow);
  const { key, ifExists, dueAt, deadlineAt, attributes } = readStartOptions(options, Date.now());
  const version = checkVersion(options.version) ?? bundle.version;
  const limit = maxValueBytes();
  const of = `the workflow "${workflowId}"${typeof options.id === "string" ? ` for run "${options.id}"` : ""}`;
  // Arguments are taken as they are now. The World may be opened first, and have an id of its own: then that stands in its place.
  let madeId: string | null = null;
  const ownId = (): string => (madeId ??= uuidV7({ random: randomBytes16() }));
  const streams: { source: ReadableStream; name: string }[] = [];
  const place = (source: ReadableStream): StreamReference => {
    const name = valueStreamName("args", String(streams.length));
    streams.push({ source, name });
    return { runId: ownId(), name };
  };
  const list = checkArgs(args);
  const encoded = takesStreams
    ? encodePlacing(list, "args", place, { maxBytes: limit, of })
    : encode(list, "args", { maxBytes: limit, of });
  const seed = Buffer.from(randomBytes16()).toString("hex");
  const address = publicUrl();
  const placeRun = (world: World, near?: string): NewRun => {
    const id = world.newRunId?.(near !== undefined ? { near } : key !== null ? { key } : undefined) ?? ownId();
    const args = streams.length > 0 ? encoded.replaceAll(ownId(), id) : encoded;
    return {
      id,
      key,
      workflowId,
      version,
      input: encodeRunInput({ seed, args, deadlineAt, maxValueBytes: limit, startAt: dueAt, address }),
      dueAt,
      ...(attributes && { attributes }),
      ...(ifExists === "replace" && { ifKeyExists: ifExists, replaceOutput: replacedOutput() }),
    };
  };
  return { place: placeRun, workflowId, bundle, version, ifExists, streams };
}

/** The handle that a start gives. */
export function handleOf<R>({ id, key }: RunRecord, { world = null }: { readonly world?: World | null }): Run<R> {
  return runHandle<R>({ id: key ?? id, known: id, world });
}

function registrationOf(workflow: unknown): CompiledWorkflow {
  const registered = compiledWorkflow(workflow, "start()");
  upgradeOf(registered);
  return registered;
}

const bundlesByWorld = new WeakMap<World, Bundles>();
const maxBatch = 500;

/** Stores a workflow's code where its runs will be; null: it is there. @throws (at once or later) WORK_REFUSED, VERSION_NOT_FOUND, BUNDLE_CORRUPT, the last two for another version than this process's */
export function saveCode(world: World, prepared: PreparedStart): Promise<void> | null {
  assertWorks("A run was started");
  const worker = workerOf(world);
  if (worker instanceof Promise) return worker.then((one) => saveIn(one?.bundles ?? bundlesOf(world), prepared) ?? undefined);
  return saveIn(worker?.bundles ?? bundlesOf(world), prepared);
}

function saveIn(bundles: Bundles, { workflowId, bundle, version }: PreparedStart): Promise<void> | null {
  if (version === bundle.version) return bundles.save(bundle);
  const found = bundles.find(workflowId, version);
  return found instanceof Promise ? found.then((loaded) => bundles.save(loaded) ?? undefined) : bundles.save(found);
}

function checkVersion(version: unknown): string | undefined {
  if (version === undefined || version === "current") return undefined;
  if (typeof version === "string" && /^[\da-f]{64}$/.test(version)) return version;
  throw new PerdureError(
    "INVALID_ARGUMENT",
    'start(workflow, args, { version }) takes "current" or the hash of a version: 64 hexadecimal digits.',
  );
}

/** For Worlds without a worker here. */
function bundlesOf(world: World): Bundles {
  let bundles = bundlesByWorld.get(world);
  if (!bundles) bundlesByWorld.set(world, (bundles = createBundles(world)));
  return bundles;
}

/** Runs of one lane are created together, and never wait for another lane. */
const creatorOf = perWorldAndLane((world) => createBatcher<NewRun, CreatedRun>((runs) => createRuns(world, runs), maxBatch, setImmediate));

/** The worker of this process gets the new runs at once, if it has room: nobody needs to find them. */
async function createRuns(world: World, runs: readonly NewRun[]): Promise<CreatedRun[]> {
  const worker = await workerOf(world);
  const [now, later] = [runs.filter(({ dueAt }) => dueAt === null), runs.filter(({ dueAt }) => dueAt !== null)];
  const created = new Map<string, CreatedRun>();
  const add = (batch: readonly NewRun[], results: readonly CreatedRun[]): void =>
    results.forEach((result, index) => created.set(batch[index]?.id ?? "", result));
  if (now.length > 0) add(now, await createOwned(world, now, worker));
  // A run that begins later is nobody's until then.
  if (later.length > 0) add(later, await world.createRuns(later));
  return runs.flatMap(({ id }) => created.get(id) ?? []);
}

/** Creates runs that are all due now, in one call. */
export async function createOwned(world: World, runs: readonly NewRun[], worker: Worker | null): Promise<CreatedRun[]> {
  if (!worker?.hasRoom()) return world.createRuns(runs);
  const begun = await worker.begin(runs);
  const askedAt = monotonicNow();
  const created = await world.createRuns(begun.runs, { owner: worker.id }).catch((error: unknown) => {
    // The runs may be there all the same, and this worker's.
    begun.giveUp();
    worker.lookForLostRuns();
    throw error;
  });
  for (const run of begun.settle(created, askedAt)) worker.admit(run, askedAt);
  return created;
}
