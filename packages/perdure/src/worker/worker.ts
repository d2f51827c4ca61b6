/**
 * A worker: claims runs, replays them, makes the attempts that they ask for, and commits what happens.
 *
 * A run's life here: claimed (or admitted by the `start()` that created it) → replayed → idle. An event (an attempt settled, a time came, a
 * message arrived) makes it ready; the next tick delivers what is ready for all runs, each run's as one turn; turns are committed
 * together; only when a commit is acknowledged do its effects begin. If it is refused the copy is dropped: whoever owns the run now goes on from the
 * World's history.
 */
import { setTimeout as delay } from "node:timers/promises";

import type { Claimed, ReceivedMessage, RunRecord, World } from "@perdure/world";
import { v4 as uuid } from "uuid";

import { monotonicNow, setImmediate } from "../host-timers.ts";
import { createRealms } from "../sandbox/realms.ts";
import { createAttempts } from "./attempts.ts";
import { createBundles, type Bundles } from "./bundles.ts";
import { createClaimLoop, type PollResult } from "./claim-loop.ts";
import { commitTurns } from "./commit-turns.ts";
import { createCommitter } from "./committer.ts";
import type { Core, EndedRun } from "./core.ts";
import { addReady } from "./effects.ts";
import { createHold, type Hold } from "./hold.ts";
import { createLease } from "./lease.ts";
import { resolveWorkerOptions, type ResolvedWorkerOptions, type WorkerOptions } from "./options.ts";
import { proveOwnership } from "./prove-ownership.ts";
import { createReleases } from "./releases.ts";
import { createResidents } from "./residents.ts";
import { createSources } from "./sources.ts";
import { admit, receive, takeOver, takeOverFailed } from "./take-over.ts";
import { createTimers } from "./timers.ts";
import { forgetIfEnded } from "./ended-outside.ts";
import { drop, handleTrouble } from "./trouble.ts";
import { createTurns } from "./turns.ts";

export interface Worker {
  /** Unique per start. */
  readonly id: string;
  readonly bundles: Bundles;
  /** True while there is room for another run and the worker is not stopping. */
  hasRoom(): boolean;
  /** Takes in a run that was created with this worker as its owner. */
  admit(run: RunRecord): void;
  /** The answer to a creation of runs for this worker was lost: it looks which runs it owns. */
  lookForLostRuns(): void;
  /** Gives a message that was delivered to a run in memory here to it at once, before what its attempts bring afterwards. */
  receive(message: ReceivedMessage): void;
  /** True when the run is in memory here, so that its end will be told to `onEnded`. */
  holds(runId: string): boolean;
  /** Keeps the process alive until the returned function is called. */
  keepAlive(): () => void;
  /**
   * Ends the worker: claims nothing more, lets attempts under way settle for up to `graceMs`, commits what they brought, and gives its runs
   * back, which other workers may claim at once. Idempotent.
   */
  stop(): Promise<void>;
}

const maxClaim = 100;

/** Starts a worker on a World that is set up. When the promise resolves the worker has its lease. @throws INVALID_ARGUMENT */
export async function createWorker(world: World, given: WorkerOptions, onEnded: (ended: EndedRun) => void): Promise<Worker> {
  const options = resolveWorkerOptions(given);
  const abort = new AbortController();
  const hold = createHold();
  const core = createCore(world, options, { signal: abort.signal, hold, onEnded, onBlocked: () => loop.hint() });
  const startedAt = monotonicNow();
  await world.heartbeat(core.id, options.leaseMs);
  core.lease.renewed(startedAt);
  const loop = createClaimLoop(() => poll(core), Math.max(25, Math.min(1000, options.leaseMs / 4)));
  const unwatch = world.watch((hint) => {
    if (hint.kind === "due") loop.hint();
    // A look that fails is made up for: the run's next commit is fenced, and waiters look themselves.
    else if (hint.kind === "ended") void forgetIfEnded(core, hint.runId).catch(() => undefined);
  });
  let stopped: Promise<void> | null = null;
  return {
    id: core.id,
    bundles: core.bundles,
    hasRoom: () => !core.stopping && core.residents.size < options.maxResidentRuns,
    admit: (run) => void admit(core, run).catch((error: unknown) => takeOverFailed(core, run, error)),
    lookForLostRuns() {
      core.hasLostAnswer = true;
      loop.hint();
    },
    receive(message) {
      const resident = core.residents.find(message.runId);
      if (resident) receive(core, resident, message);
    },
    holds: (runId) => core.residents.find(runId) !== undefined,
    keepAlive() {
      hold.acquire();
      let held = true;
      return () => {
        if (held) hold.release();
        held = false;
      };
    },
    stop() {
      stopped ??= stop(core, loop.stop, unwatch, abort);
      return stopped;
    },
  };
}

interface CoreOptions {
  readonly signal: AbortSignal;
  readonly hold: Hold;
  readonly onEnded: (ended: EndedRun) => void;
  /** An attempt waits until the lease is known to hold. */
  readonly onBlocked: () => void;
}

function createCore(world: World, options: ResolvedWorkerOptions, { signal, hold, onEnded, onBlocked }: CoreOptions): Core {
  const id = uuid();
  const residents = createResidents();
  const realm = createRealms({
    watchdogMs: options.watchdogMs,
    sources: createSources((runId) => residents.find(runId)),
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
    mayStart: () => !core.lease.hasLapsed(),
    onBlocked,
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
    bundles: createBundles(world),
    timers: createTimers(),
    releases: createReleases(world, id),
    lease: createLease(options.leaseMs),
    committer: createCommitter(world, signal),
    interruptions: new Map(),
    hasLostAnswer: false,
    consumed: [],
    stopping: false,
    onEnded,
  };
  return core;
}

/** One look at the World: give back what has been idle for long, keep the lease, claim what is due, take in messages. */
async function poll(core: Core): Promise<PollResult> {
  const { residents, options } = core;
  evict(core, options.maxResidentRuns - maxClaim / 2);
  core.timers.refresh();
  await core.releases.flush();
  if (core.lease.hasLapsed()) await proveOwnership(core);
  const limit = Math.max(0, Math.min(maxClaim, options.maxResidentRuns - residents.size));
  const settled = core.consumed;
  core.consumed = [];
  const { runs, messages, nextDueAt } = await claim(core, limit);
  core.attempts.resume();
  for (const claimed of runs) takeOver(core, claimed).catch((error: unknown) => takeOverFailed(core, claimed.run, error));
  for (const message of messages) {
    const resident = residents.find(message.runId);
    if (resident) receive(core, resident, message);
  }
  for (const { resident, message } of settled) resident.messages?.delete(message);
  return { more: limit > 0 && runs.length === limit, nextDueAt };
}

async function claim(core: Core, limit: number): Promise<Claimed> {
  const startedAt = monotonicNow();
  const holding = core.hasLostAnswer ? Array.from(core.residents.all(), ({ run }) => run.id) : undefined;
  core.hasLostAnswer = false;
  try {
    const claimed = await core.world.claim({ worker: core.id, limit, leaseMs: core.options.leaseMs, ...(holding && { holding }) });
    core.lease.renewed(startedAt);
    return claimed;
  } catch (error) {
    core.hasLostAnswer = true;
    throw error;
  }
}

function evict(core: Core, most: number): void {
  for (const resident of core.residents.evictable(Date.now() - core.options.idleMs, Math.max(1, most))) {
    drop(core, resident);
    core.releases.add({ runId: resident.run.id, fence: resident.run.fence });
  }
}

async function stop(core: Core, stopClaiming: () => Promise<void>, unwatch: () => void, abort: AbortController): Promise<void> {
  core.stopping = true;
  unwatch();
  const grace = delay(core.options.graceMs, undefined, { ref: false });
  await Promise.race([Promise.all([stopClaiming(), settleAll(core)]), grace]);
  abort.abort(new Error("The worker was stopped."));
  core.timers.stop();
  for (const resident of core.residents.all()) drop(core, resident);
  await retire(core);
}

/** Ends the lease, so that other workers need not wait for its end. A World that is away now sees it end by itself. */
async function retire(core: Core): Promise<void> {
  try {
    await core.world.retire(core.id);
  } catch (error) {
    process.emitWarning(`Ending the worker's lease failed: ${String(error)}`, "PerdureWarning");
  }
}

/** Attempts under way end, what they brought is delivered and committed. */
async function settleAll(core: Core): Promise<void> {
  for (const { attempting } of core.residents.all()) for (const attempt of attempting.values()) attempt.flushProgress();
  await core.attempts.stop();
  await new Promise((resolve) => setImmediate(resolve));
  await core.committer.idle();
}
