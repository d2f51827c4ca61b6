/**
 * A worker: claims runs, replays them, makes the attempts that they ask for, and commits what happens.
 *
 * A run's life here: claimed (or admitted by the `start()` that created it) → replayed → idle. An event (an attempt settled, a time came, a
 * message arrived) makes it ready; the next tick delivers what is ready for all runs, each run's as one turn; turns are committed
 * together; only when a commit is acknowledged do its effects begin. If it is refused the copy is dropped: whoever owns the run now goes on from the
 * World's history.
 */

import type { Claimed, NewRun, RunRecord, World } from "@perdure/world";
import { v4 as uuid } from "uuid";

import { monotonicNow } from "../host-timers.ts";
import { createRealms } from "../sandbox/realms.ts";
import { createAttempts } from "./attempts.ts";
import { createBundles, type Bundles } from "./bundles.ts";
import { createClaimLoop, type PollResult } from "./claim-loop.ts";
import { commitTurns, writeDeferred } from "./commit-turns.ts";
import { createCommitter } from "./committer.ts";
import type { Core, EndedRun } from "./core.ts";
import { addReady } from "./effects.ts";
import { createDeferrals } from "./deferrals.ts";
import { drain, type DrainOptions, type DrainSummary } from "./drain.ts";
import { createHold, type Hold } from "./hold.ts";
import { createLeases } from "./leases.ts";
import { createObservation, type SharedObservers } from "./observe/observation.ts";
import { resolveWorkerOptions, type ResolvedWorkerOptions, type WorkerOptions } from "./options.ts";
import { isOverloaded } from "./pressure.ts";
import { isProven, prove, renew, renewed } from "./ownership.ts";
import { createReleases } from "./releases.ts";
import { createResidents } from "./residents.ts";
import { createShortages } from "./shortages.ts";
import { createSources } from "./sources.ts";
import { admit, receive, takeOver, takeOverFailed } from "./take-over.ts";
import { stop } from "./stop.ts";
import { createTimers } from "./timers.ts";
import { forgetIfEnded, isHeldAtRest } from "./ended-outside.ts";
import { firstTurns, type FirstTurns } from "./first-turns.ts";
import { drop, handleTrouble } from "./trouble.ts";
import { createTurns } from "./turns.ts";
import { createUpgrades } from "./upgrades.ts";

export interface Worker {
  /** Unique per start. */
  readonly id: string;
  readonly bundles: Bundles;
  /** True while there is room for another run and the worker is not stopping. */
  hasRoom(): boolean;
  /** Delivers the beginnings of runs that are about to be created with this worker as their owner. */
  begin(runs: readonly NewRun[]): Promise<FirstTurns>;
  /** Takes in a run that was created with this worker as its owner, by a call that began at `askedAt` (`monotonicNow()`). */
  admit(run: RunRecord, askedAt: number): void;
  /** The answer to a creation of runs for this worker was lost: it looks which runs it owns. */
  lookForLostRuns(): void;
  /** How many runs are in memory here. */
  residentRuns(): number;
  /** True when the run is in memory here, so that its end will be told to `onEnded`. */
  holds(runId: string): boolean;
  /** Keeps the process alive until the returned function is called. */
  keepAlive(): () => void;
  /** Works until there is nothing to do or the time is near, then ends the worker. @throws INVALID_ARGUMENT, WORKER_STOPPED */
  drain(options: DrainOptions): Promise<DrainSummary>;
  /**
   * Ends the worker: claims nothing more, lets attempts under way settle for up to `graceMs`, commits what they brought, and gives its runs
   * back, which other workers may claim at once. Idempotent.
   */
  stop(): Promise<void>;
  /** Resolves when the worker has ended. */
  readonly stopped: Promise<void>;
}

/** What is around a worker in its process. */
export interface WorkerPlace {
  readonly onEnded: (ended: EndedRun) => void;
  readonly observers: SharedObservers;
}

const maxClaim = 100;

/** Starts a worker on a World that is set up. When the promise resolves the worker has its lease. @throws INVALID_ARGUMENT */
export async function createWorker(world: World, given: WorkerOptions, { onEnded, observers }: WorkerPlace): Promise<Worker> {
  const options = resolveWorkerOptions(given);
  const abort = new AbortController();
  const hold = createHold();
  const core = createCore(world, options, { signal: abort.signal, hold, onEnded, observers, hint: () => loop.hint() });
  await renew(core);
  const loop = createClaimLoop(() => poll(core), Math.max(25, Math.min(1000, options.leaseMs / 4)), core.observation.warn);
  const unwatch = world.watch((hint) => {
    if (hint.kind === "due") loop.hint();
    // A look that fails is made up for: the run's next commit is fenced, and waiters look themselves.
    else if (hint.kind === "ended" && isHeldAtRest(core, hint.runId)) void forgetIfEnded(core, hint.runId).catch(() => undefined);
  });
  let stopped: Promise<void> | null = null;
  let tellStopped = (): void => undefined;
  const whenStopped = new Promise<void>((resolve) => (tellStopped = resolve));
  const end = (graceMs: number): Promise<void> => {
    stopped ??= stop(core, { stopClaiming: loop.stop, unwatch, renew: () => renew(core), abort }, graceMs).finally(tellStopped);
    return stopped;
  };
  return {
    id: core.id,
    bundles: core.bundles,
    hasRoom: () => !core.stopping && core.residents.size < options.maxResidentRuns && core.residents.bytes < options.maxResidentBytes,
    begin: (runs) => firstTurns(core, runs),
    admit(run, askedAt) {
      if (core.stopping) core.releases.add({ runId: run.id, fence: run.fence });
      else admitOrGiveBack(core, run, askedAt);
    },
    lookForLostRuns() {
      core.hasLostAnswer = true;
      loop.hint();
    },
    residentRuns: () => core.residents.size,
    holds: (runId) => core.residents.find(runId) !== undefined,
    keepAlive() {
      hold.acquire();
      let held = true;
      return () => {
        if (held) hold.release();
        held = false;
      };
    },
    drain: (drainOptions) => drain(core, loop, end, drainOptions),
    stop: () => end(options.graceMs),
    stopped: whenStopped,
  };
}

function admitOrGiveBack(core: Core, run: RunRecord, askedAt: number): void {
  const failed = (error: unknown): void => takeOverFailed(core, run, error);
  try {
    admit(core, run, askedAt)?.catch(failed);
  } catch (error) {
    failed(error);
  }
}

interface CoreOptions {
  readonly signal: AbortSignal;
  readonly hold: Hold;
  readonly onEnded: (ended: EndedRun) => void;
  readonly observers: SharedObservers;
  readonly hint: () => void;
}

function createCore(world: World, options: ResolvedWorkerOptions, { signal, hold, onEnded, observers, hint }: CoreOptions): Core {
  const id = uuid();
  const observation = createObservation(id, options.observers, observers);
  const bundles = createBundles(world);
  const residents = createResidents();
  const realm = createRealms({
    watchdogMs: options.watchdogMs,
    sources: createSources((runId) => residents.find(runId), world.newRunId !== undefined),
    onStray: (runId, error) => {
      const resident = residents.find(runId);
      if (resident) void handleTrouble(core, resident, error);
    },
  });
  const turns = createTurns(realm, (delivered) => void commitTurns(core, delivered));
  const attempts = createAttempts({
    world,
    concurrency: options.concurrency,
    graceMs: options.graceMs,
    hold,
    observation,
    bundles,
    mayStart: () => !isOverloaded(core),
    // The next commit makes room.
    onBlocked: () => (core.isHeldBack = true),
    isProven,
    prove: (resident) => prove(core, resident),
    onEvent: (resident, ready) => addReady(core, resident, ready),
  });
  const core: Core = {
    id,
    world,
    options,
    realm,
    residents,
    turns,
    attempts,
    bundles,
    observation,
    timers: createTimers(),
    releases: createReleases(world, id, observation),
    leases: createLeases(world, options.leaseMs),
    shortages: createShortages(Math.min(1000, options.leaseMs)),
    upgrades: createUpgrades(world, bundles, observation.warn),
    deferrals: createDeferrals((residents) => writeDeferred(core, residents)),
    committer: createCommitter(world, signal, observation),
    interruptions: new Map(),
    hasLostAnswer: false,
    consumed: [],
    signal,
    stopping: false,
    waitingTurns: 0,
    isHeldBack: false,
    hint,
    onEnded,
  };
  return core;
}

/** One look at the World: give back what has been idle for long, keep the lease, claim what is due, take in messages. */
async function poll(core: Core): Promise<PollResult> {
  const { residents } = core;
  evict(core);
  core.timers.refresh();
  await core.releases.flush();
  const limit = roomForClaims(core);
  const settled = core.consumed;
  core.consumed = [];
  const { runs, messages, nextDueAt } = await claim(core, limit);
  core.attempts.resume();
  for (const claimed of runs) {
    if (core.stopping) core.releases.add({ runId: claimed.run.id, fence: claimed.run.fence });
    else takeOver(core, claimed).catch((error: unknown) => takeOverFailed(core, claimed.run, error));
  }
  let received = 0;
  for (const message of messages) {
    const resident = residents.find(message.runId);
    if (resident && receive(core, resident, message)) received++;
  }
  for (const { resident, message } of settled) resident.messages?.delete(message);
  return { more: limit > 0 && runs.length === limit, isEmpty: limit > 0 && runs.length === 0 && received === 0, nextDueAt };
}

/** How many runs to claim. What they will hold is not known before they are loaded: taken to be what the others do on average. */
function roomForClaims({ residents, options }: Core): number {
  const runs = Math.min(maxClaim, options.maxResidentRuns - residents.size);
  const bytes = options.maxResidentBytes - residents.bytes;
  if (residents.size === 0) return runs;
  if (runs <= 0 || bytes <= 0) return 0;
  return Math.max(1, Math.min(runs, Math.floor(bytes / (residents.bytes / residents.size))));
}

async function claim(core: Core, limit: number): Promise<Claimed> {
  const startedAt = monotonicNow();
  const holding = core.hasLostAnswer ? Array.from(core.residents.all(), ({ run }) => run.id) : undefined;
  core.hasLostAnswer = false;
  try {
    const claimed = await core.world.claim({ worker: core.id, limit, leaseMs: core.options.leaseMs, ...(holding && { holding }) });
    renewed(core, startedAt, claimed);
    if (claimed.isPartial) core.hasLostAnswer = true;
    const { runs, messages } = claimed;
    core.observation.tell?.({ type: "lease_renewed", claimed: runs.length, messages: messages.length, ms: monotonicNow() - startedAt });
    return claimed;
  } catch (error) {
    core.hasLostAnswer = true;
    throw error;
  }
}

/** Gives back what has been idle for long, and as much more as it takes to have some room. */
function evict(core: Core): void {
  const { idleMs, maxResidentRuns, maxResidentBytes } = core.options;
  const most = { runs: Math.max(1, maxResidentRuns - maxClaim / 2), bytes: (maxResidentBytes * 7) / 8 };
  for (const resident of core.residents.evictable(Date.now() - idleMs, most)) {
    drop(core, resident, "idle");
    core.releases.add({ runId: resident.run.id, fence: resident.run.fence });
  }
}
