/**
 * What a conformance case works with: a World on a store of its own, a way to let time pass, and short ways to write
 * runs, commits and messages.
 */

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import type {
  Await,
  Claimed,
  ClaimedRun,
  Commit,
  CommitResult,
  Lease,
  Message,
  NewRun,
  RunRecord,
  StreamRef,
  World,
  WorldSupports,
} from "../index.ts";
import { slotOf, withSlot, WorldError, type WorldErrorCode } from "../index.ts";

/** One fresh store, and Worlds on it. */
export interface Harness {
  /** A World on this store: an instance of its own where the backend can have several, the same one where it cannot. The suite calls `setup`. */
  open(): Promise<World>;
  /** Moves the World's clock forward. Without it the suite waits in real time, with short leases. */
  advance?(ms: number): void | Promise<void>;
  /** Removes the store. The suite has closed its Worlds. */
  cleanup(): Promise<void>;
}

/** One behaviour that every World shows. */
export interface Case {
  /** A sentence. */
  readonly name: string;
  /** The capability without which the behaviour does not exist. */
  readonly needs?: keyof WorldSupports;
  run(lab: Lab): Promise<void>;
}

/** What a case works with. */
export interface Lab {
  readonly world: World;
  /** A lease that does not end by itself while a case runs. */
  readonly leaseMs: number;
  /** Another World on the same store (see {@link Harness.open}), set up. */
  open(): Promise<World>;
  /** Lets `ms` pass by the World's clock. */
  pass(ms: number): Promise<void>;
}

/** Opens a lab, runs the case in it, and takes it down. */
export async function inLab(harness: Harness, run: (lab: Lab) => Promise<void>): Promise<void> {
  const worlds: World[] = [];
  const open = async (): Promise<World> => {
    const world = await harness.open();
    worlds.push(world);
    await world.setup();
    return world;
  };
  const advance = harness.advance?.bind(harness);
  const pass = async (ms: number): Promise<void> => {
    if (advance !== undefined) await advance(ms);
    else await new Promise((resolve) => setTimeout(resolve, ms + 5));
  };
  try {
    await run({ world: await open(), leaseMs: advance === undefined ? 1500 : 60_000, open, pass });
  } finally {
    for (const world of worlds) await world.close();
    await harness.cleanup();
  }
}

/** Several Worlds on the store, or several times the same one. */
export async function several(lab: Lab, count: number): Promise<World[]> {
  const worlds = [lab.world];
  while (worlds.length < count) worlds.push(await lab.open());
  return worlds;
}

/** Text as bytes. */
export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Bytes as text. */
export function text(data: Uint8Array): string {
  return new TextDecoder().decode(data);
}

/** A UUID version 7: 48 bits of time, then chance. */
export function uuid(): string {
  const random = randomBytes(16);
  random.writeUIntBE(Date.now(), 0, 6);
  random[6] = (random[6]! & 0x0f) | 0x70;
  random[8] = (random[8]! & 0x3f) | 0x80;
  return random.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** A run to create. */
export function newRun(fields: Partial<NewRun> = {}): NewRun {
  return { id: uuid(), key: null, workflowId: "app/flows#order", version: "v1", input: bytes("input"), dueAt: null, ...fields };
}

/** A run to create by a commit of another one: it lives where that one does, see `World.newRunId`. */
export function childOf({ runId }: Pick<Lease, "runId">, fields: Partial<NewRun> = {}): NewRun {
  return newRun({ id: withSlot(uuid(), slotOf(runId)), ...fields });
}

/** Creates a run that nobody owns. */
export async function create(world: World, fields: Partial<NewRun> = {}): Promise<RunRecord> {
  const [created] = await world.createRuns([newRun(fields)]);
  assert.equal(created!.created, true);
  return created!.run;
}

/** A lease, and who holds it. */
export interface Owned extends Lease {
  readonly worker: string;
}

/** Creates a run that belongs to the worker at once. */
export async function start(lab: Lab, worker: string, fields: Partial<NewRun> = {}): Promise<Owned> {
  const [owned] = await startMany(lab, worker, 1, fields);
  return owned!;
}

/** Creates runs that belong to the worker at once. */
export async function startMany(lab: Lab, worker: string, count: number, fields: Partial<NewRun> = {}): Promise<Owned[]> {
  await lab.world.heartbeat(worker, lab.leaseMs);
  const runs = Array.from({ length: count }, () => newRun(fields));
  const results = await lab.world.createRuns(runs, { owner: worker });
  assert.ok(results.length === count && results.every(({ created }) => created));
  return results.map(({ run }) => ({ runId: run.id, fence: run.fence, worker }));
}

/** Claims for a worker. What the World says of histories by the way is compared with what it says when it is asked. */
export async function claim(lab: Lab, worker: string, limit = 100): Promise<Claimed> {
  const claimed = await lab.world.claim({ worker, limit, leaseMs: lab.leaseMs });
  const runs: ClaimedRun[] = [];
  for (const { page, ...rest } of claimed.runs) {
    if (page !== undefined) assert.deepEqual(page, await lab.world.load(rest.run.id));
    runs.push(rest);
  }
  return { ...claimed, runs };
}

/** Claims the one run that is due. */
export async function claimOne(lab: Lab, worker: string): Promise<Owned> {
  const { runs } = await claim(lab, worker);
  assert.equal(runs.length, 1);
  return { runId: runs[0]!.run.id, fence: runs[0]!.run.fence, worker };
}

/** Lets the lease of the run's owner end, and another worker take the run over. */
export async function takeOver(lab: Lab, worker: string): Promise<Owned> {
  await lab.pass(lab.leaseMs + 1);
  return claimOne(lab, worker);
}

/** A commit of rows with these texts. */
export function commitOf(owned: Owned, base: number, rows: readonly string[], rest: Partial<Commit> = {}): Commit {
  return { ...owned, base, rows: rows.map(bytes), ...rest };
}

/** Commits one commit. */
export async function commit(world: World, one: Commit): Promise<CommitResult> {
  const results = await world.commit([one]);
  assert.equal(results.length, 1);
  return results[0]!;
}

/** Commits, and requires that it is committed without conflicts. */
export async function mustCommit(world: World, one: Commit): Promise<void> {
  assert.deepEqual(await commit(world, one), COMMITTED);
}

export const COMMITTED = { status: "committed", conflicts: [] } as const;

/** What lets a run sleep, and what ends one. */
export const SLEEP = { patch: { dueAt: null } } as const;
export const DONE = { patch: { status: "completed", output: bytes("out") } } as const;

/** Appends to one stream without a writer; returns the index of the first chunk. */
export async function append(world: World, ref: StreamRef, texts: readonly string[], close = false): Promise<number> {
  const [result] = await world.streams.append([{ ...ref, chunks: texts.map(bytes), close }]);
  assert.ok(result?.status === "appended" && result.added === texts.length, "the chunks were appended");
  return result.length - result.added;
}

/** A message to a run. */
export function messageTo(runId: string, id: string, payload = "payload"): Message {
  return { id, to: { runId }, kind: "wake", payload: bytes(payload) };
}

/** The history of a run as texts; requires that it numbers 1, 2, 3 …. */
export async function historyOf(world: World, runId: string): Promise<string[]> {
  const { rows } = await world.load(runId);
  assert.deepEqual(
    rows.map(({ seq }) => seq),
    rows.map((_, index) => index + 1),
  );
  return rows.map(({ data }) => text(data));
}

/** The ids of the run's unconsumed messages, in order. */
export async function waitingOf(world: World, runId: string): Promise<string[]> {
  return (await world.load(runId)).messages.map(({ id }) => id);
}

/** The run's record, which must exist. */
export async function recordOf(world: World, runId: string): Promise<RunRecord> {
  const run = await world.query.run({ id: runId });
  assert.ok(run !== null, `run ${runId} exists`);
  return run;
}

/** The wish to be told of the end of a run. */
export function awaitOf(runId: string, operation = "op"): Await {
  return { operation, run: { id: runId } };
}

/** The wish to be told of the end of the run that has a key. */
export function awaitKey(key: string, operation = "op"): Await {
  return { operation, run: { key } };
}

/** A run that awaits others, with one row, and sleeps. */
export async function sleeperThatAwaits(lab: Lab, worker: string, ...awaits: Await[]): Promise<Owned> {
  const owned = await start(lab, worker);
  await mustCommit(lab.world, commitOf(owned, 0, ["await"], { ...SLEEP, awaits }));
  return owned;
}

/** The answers that wait for a run, as `<operation> <payload>`. */
export async function answersOf({ world }: Pick<Lab, "world">, runId: string): Promise<string[]> {
  const { messages } = await world.load(runId);
  return messages.filter(({ kind }) => kind === "ended").map(({ operation, payload }) => `${operation} ${text(payload)}`);
}

/** Ends a run with a successor, which it returns: claimed by the same worker. */
export async function continueAs(lab: Lab, owned: Owned, base: number, rest: Partial<Commit> = {}): Promise<Owned> {
  const successor = childOf(owned);
  await mustCommit(lab.world, commitOf(owned, base, ["end"], { ...DONE, ...rest, successor }));
  return claimOne(lab, owned.worker);
}

/** Waits for a hint: hints may be lost, but a World that gives none in 2 seconds might as well have no watch. */
export async function settle(heard: () => boolean | Promise<boolean>): Promise<void> {
  for (let wait = 0; wait < 200 && !(await heard()); wait++) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.ok(await heard(), "a hint was heard");
}

/** Requires that a promise is rejected with a WorldError of that code. */
export async function rejectsWith(code: WorldErrorCode, promise: Promise<unknown>): Promise<void> {
  await assert.rejects(promise, (error) => {
    assert.ok(WorldError.is(error), `a WorldError, not ${String(error)}`);
    assert.equal(error.code, code);
    return true;
  });
}
