/** Commits and creations: each goes to the server of its run, after what it needs of others was asked. */

import type { Commit, CommitResult, CreatedRun, NewRun, RunRecord } from "@perdure/world";
import { commitProblem, isRunId, WorldError } from "@perdure/world";
import { setTimeout as sleep } from "node:timers/promises";
import type { Transaction } from "../database/database.ts";
import type { WithAway } from "../operations/away.ts";
import { changeAtHome, replacedBy, untoldUntil } from "../operations/keys.ts";
import { holderOfKey, isReservationLost } from "../operations/reservations.ts";
import { recordById } from "../operations/records.ts";
import type { Cluster } from "./cluster.ts";
import type { Directory } from "./directory.ts";
import { isUnavailable, type Shard } from "./shard.ts";

/** How often, and how long, a creation waits for another one that has reserved its key. */
const WAIT_MS = [20, 30_000] as const;

/** What of a call goes to one server, and where in the call it stood. */
interface Part<T> {
  readonly shard: Shard;
  readonly items: T[];
  readonly indexes: number[];
}

/** Splits a call by servers. `inOrder`: what comes later in the call may depend on what comes before, so that parts follow each other. */
function partsOf<T>(items: readonly T[], shardOf: (item: T) => Shard, inOrder: boolean): Part<T>[] {
  const parts: Part<T>[] = [];
  for (const [index, item] of items.entries()) {
    const shard = shardOf(item);
    let part = inOrder ? parts.at(-1) : parts.find((one) => one.shard === shard);
    if (part?.shard !== shard) parts.push((part = { shard, items: [], indexes: [] }));
    part.items.push(item);
    part.indexes.push(index);
  }
  return parts;
}

/**
 * Calls each server for its part; results in the order of the call.
 *
 * @param between what is waited for between parts that follow each other; null: all go at once
 */
export async function byShard<T, R>(
  items: readonly T[],
  shardOf: (item: T) => Shard,
  between: (() => Promise<void>) | null,
  work: (shard: Shard, items: readonly T[]) => Promise<readonly R[]>,
): Promise<R[]> {
  const parts = partsOf(items, shardOf, between !== null);
  const results = Array.from<R>({ length: items.length });
  const one = async ({ shard, items, indexes }: Part<T>): Promise<void> => {
    const own = await work(shard, items);
    for (const [place, index] of indexes.entries()) results[index] = own[place]!;
  };
  if (between === null) await allOf(parts.map(one));
  else {
    for (const [index, part] of parts.entries()) {
      if (index > 0) await between();
      await one(part);
    }
  }
  return results;
}

/** Rejects after all have settled: what goes on behind a rejection nobody would know of. */
async function allOf(promises: readonly Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(promises)) if (result.status === "rejected") throw result.reason;
}

/** The runs that a commit speaks of, whose servers must be known. */
export function runsIn({ runId, awaits = [], messages = [], runs = [], successor }: Commit): string[] {
  const ids = [runId, ...runs.map(({ id }) => id)];
  for (const { run } of awaits) if ("id" in run) ids.push(run.id);
  for (const { to } of messages) if ("runId" in to) ids.push(to.runId);
  return successor === undefined ? ids : [...ids, successor.id];
}

/** Commits of runs on one server. Two that want one name follow each other: the second must find what became of the first. */
export async function commitOn(cluster: Cluster, directory: Directory, shard: Shard, commits: readonly Commit[]): Promise<CommitResult[]> {
  const results: CommitResult[] = [];
  let wave: Commit[] = [];
  const wanted = new Set<string>();
  for (const commit of commits) {
    const names = namesIn(commit);
    if (names.some((name) => wanted.has(name))) {
      results.push(...(await tryAgain((isAgain) => commitWave(cluster, directory, shard, wave, isAgain))));
      wave = [];
      wanted.clear();
    }
    for (const name of names) wanted.add(name);
    wave.push(commit);
  }
  results.push(...(await tryAgain((isAgain) => commitWave(cluster, directory, shard, wave, isAgain))));
  return results;
}

function namesIn({ hooks = [], runs = [] }: Commit): string[] {
  return [...hooks.map(({ token }) => `token ${token}`), ...runs.flatMap(({ key }) => (key === null ? [] : `key ${key}`))];
}

/** What was asked before may be out of date when the transaction begins; then nothing was written, and it is asked again. */
async function tryAgain<T>(work: (isAgain: boolean) => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work(tries > 1);
    } catch (error) {
      if (!isReservationLost(error) || tries >= WAVE_TRIES) throw error;
    }
  }
}

const WAVE_TRIES = 10;

async function commitWave(
  cluster: Cluster,
  directory: Directory,
  shard: Shard,
  commits: readonly Commit[],
  isAgain: boolean,
): Promise<CommitResult[]> {
  const prepared = await Promise.all(
    commits.map((commit) => strayProblem(cluster, shard, commit) ?? commitProblem(commit) ?? prepare(directory, shard, commit, isAgain)),
  );
  const ready = prepared.flatMap((one) => (one instanceof Error ? [] : one));
  const outcomes = ready.length === 0 ? [] : await shard.call((world) => world.commit(ready));
  for (const [index, { status }] of outcomes.entries()) {
    const { away } = ready[index]!;
    // Whoever wants the names finds out in any case.
    if (away !== undefined && status !== "committed") await directory.giveBack(away, ready[index]!).catch(() => {});
  }
  let next = 0;
  return prepared.map((one) => (one instanceof Error ? { status: "failed", error: one } : outcomes[next++]!));
}

/** A commit with what was asked for it; or why it may not be written. */
async function prepare(directory: Directory, shard: Shard, commit: Commit, isAgain: boolean): Promise<(Commit & WithAway) | Error> {
  try {
    const away = await directory.beforeCommit(shard, commit, isAgain);
    return away === undefined ? commit : { ...commit, away };
  } catch (error) {
    if (isUnavailable(error)) return error as Error;
    throw error;
  }
}

/** Runs that a run starts, and the one that it goes on as, are written in one transaction with it. */
function strayProblem(cluster: Cluster, shard: Shard, { runId, runs = [], successor }: Commit): WorldError | null {
  const others = successor === undefined ? runs : [...runs, successor];
  const stray = others.find(({ id }) => isRunId(id) && cluster.shardOf(id) !== shard);
  if (stray === undefined) return null;
  return new WorldError("WORLD_INVALID_ARGUMENT", `Run ${stray.id} would live on another server than run ${runId}, which asks for it.`, {
    hint: "Give it an id with the slot of that run (`newRunId({ near })`, or `withSlot`).",
  });
}

/** Creates runs on one server. Those that want one key follow each other. */
export async function createOn(
  cluster: Cluster,
  directory: Directory,
  shard: Shard,
  runs: readonly NewRun[],
  request: Creation,
): Promise<CreatedRun[]> {
  const results: CreatedRun[] = [];
  let wave: NewRun[] = [];
  for (const run of runs) {
    if (run.key !== null && wave.some(({ key }) => key === run.key)) {
      results.push(...(await createWave(cluster, directory, shard, wave, request)));
      wave = [];
    }
    wave.push(run);
  }
  return [...results, ...(await createWave(cluster, directory, shard, wave, request))];
}

/** By whom, and until when it is tried, by the clock of this process. */
interface Creation {
  readonly owner: string | undefined;
  readonly deadline?: number;
}

async function createWave(
  cluster: Cluster,
  directory: Directory,
  shard: Shard,
  runs: readonly NewRun[],
  { owner, deadline = performance.now() + WAIT_MS[1] }: Creation,
): Promise<CreatedRun[]> {
  const results = await tryAgain(async (isAgain) => {
    const prepared = await Promise.all(runs.map((run) => prepareRun(directory, shard, run, isAgain)));
    return shard.call((world) => world.createRuns(prepared, { owner }));
  });
  return Promise.all(
    results.map(async (result, index) => {
      const { heldBy } = result as { heldBy?: string };
      if (heldBy !== undefined) return findHolder(cluster, directory, shard, { run: runs[index]!, owner, deadline }, heldBy);
      return result.created ? { ...result, replaced: (await askHome(cluster, shard, runs[index]!)) ?? result.replaced } : result;
    }),
  );
}

/** A run with what was asked for it. */
async function prepareRun(directory: Directory, shard: Shard, run: NewRun, isAgain: boolean): Promise<NewRun & WithAway> {
  const away = await directory.beforeCreation(shard, run, isAgain);
  return away === undefined ? run : { ...run, away };
}

/**
 * The run that a new one takes its key from, which only the key's home knows. It is told of all that the new run's server has to tell it of the key up to then, without waiting
 * for the courier. Null also when one of them does not answer; then it is told later.
 */
async function askHome(cluster: Cluster, shard: Shard, { id, key, ifKeyExists }: NewRun): Promise<string | null> {
  if (key === null || ifKeyExists !== "replace") return null;
  const home = cluster.homeOf("key", key);
  if (home === shard || !home.isUp) return null;
  try {
    const changes = await shard.quickly(() => untoldUntil(shard.database(), key, id));
    const tell = async (transaction: Transaction): Promise<readonly (string | null)[]> => {
      if (changes.length === 0) return [await replacedBy(transaction, id)];
      const ended: (string | null)[] = [];
      for (const change of changes) ended.push(await changeAtHome(transaction, change));
      return ended;
    };
    const ended = await home.quickly(() => home.database().transaction(tell, "repeatable"));
    for (const one of ended) if (one !== null) home.store.notifier.hints.ended(one);
    return ended.at(-1)!;
  } catch (error) {
    if (isUnavailable(error)) return null;
    throw error;
  }
}

/** The run on another server that has a new run's key. It may only be about to exist; or never come to exist, and then the new one is created after all. */
async function findHolder(
  cluster: Cluster,
  directory: Directory,
  shard: Shard,
  { run, owner, deadline }: Retried,
  heldBy: string,
): Promise<CreatedRun> {
  const found = await recordWithKey(cluster, heldBy, run.key!);
  if (found !== null) return { run: found, created: false, replaced: null };
  if (performance.now() > deadline) throw stuck(run.key!);
  await sleep(WAIT_MS[0]);
  const [again] = await createOn(cluster, directory, shard, [run], { owner, deadline });
  return again!;
}

interface Retried {
  readonly run: NewRun;
  readonly owner: string | undefined;
  readonly deadline: number;
}

/** The record of a run, or of the one that went on with its key. */
export async function recordWithKey(cluster: Cluster, runId: string, key: string): Promise<RunRecord | null> {
  await cluster.know([runId]);
  const shard = cluster.shardOf(runId);
  return shard.call(async () => {
    const database = shard.database();
    const local = await holderOfKey({ ...database, locality: null }, key, undefined);
    return (local === null ? null : await recordById(database, local)) ?? recordById(database, runId);
  });
}

function stuck(key: string): WorldError {
  return new WorldError("WORLD_UNAVAILABLE", `The key "${key}" is reserved for a run that is not there.`, { hint: "Try again later." });
}
