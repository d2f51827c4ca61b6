/**
 * A World that checks another one while it is used.
 */

import {
  firstCommit,
  type Commit,
  type CommitResult,
  type Delivery,
  type Message,
  type Renewal,
  type RunRecord,
  type World,
} from "../index.ts";
import { checkAnswers } from "./awaits.ts";
import { checkAmended } from "./amendments.ts";
import { checkCommitted, checkHistory } from "./commits.ts";
import { createLeases, type Leases } from "./leases.ts";
import { checksum, createLedger, type Ledger } from "./ledger.ts";
import { checkClaimed, checkCreated, checkOver, checkRecord, forgetUnheld } from "./runs.ts";
import { checkState } from "./state.ts";
import { checkAppended, checkStreamPage } from "./streams.ts";
import { holds } from "./violation.ts";

/**
 * Wraps a World so that each answer is checked against the contract and against all that was answered before: fences only grow and
 * are given once, histories only grow and have no holes, a run that is over never changes, what was committed is there (runs that it
 * started, and the successor, too), a consumed message never comes again, published state never goes back, who awaits a run is told how
 * it ended, no run is taken from a worker whose lease is known to last.
 * What was known of a run is forgotten when it is amended, by this World: amendments go through the wrapper as commits do.
 *
 * Answers pass through unchanged; an answer that breaks the contract becomes a rejection with WORLD_INVARIANT. Calls may overlap, and
 * other processes may use the store. All calls of one worker go through one wrapper, with leases of one length.
 * A commit costs one read more (several, when it starts, continues or awaits runs), a claim and a heartbeat ask for the time.
 */
export function checkedWorld(world: World): World {
  const ledger = createLedger();
  const leases = createLeases();
  return {
    name: world.name,
    supports: world.supports,
    setup: () => world.setup(),
    close: () => world.close(),
    now: () => world.now(),
    ...(world.newRunId && { newRunId: (place) => world.newRunId!(place) }),
    ...(world.laneOf && { laneOf: (runId) => world.laneOf!(runId) }),
    watch: (listener) => world.watch(listener),
    // What the caller's transaction shows may never have been.
    ...(world.createRunsIn && { createRunsIn: (client, runs) => world.createRunsIn!(client, runs) }),
    ...checkedRuns(world, ledger),
    ...checkedWorkers(world, ledger, leases),
    ...checkedWrites(world, ledger),
    streams: checkedStreams(world, ledger),
    code: checkedCode(world, ledger),
    query: checkedQuery(world, ledger),
    ...symbolsOf(world),
  };
}

/** What packages beside the contract find on a World. */
function symbolsOf(world: World): object {
  return Object.fromEntries(Object.getOwnPropertySymbols(world).map((key) => [key, (world as unknown as Record<symbol, unknown>)[key]]));
}

function checkedRuns(world: World, ledger: Ledger): Pick<World, "createRuns" | "load"> {
  return {
    async createRuns(runs, options) {
      const since = ledger.start();
      const results = await world.createRuns(runs, options);
      await checkCreated(ledger, world, since, runs, options?.owner, results);
      for (const [index, { begun }] of results.entries()) {
        const first = begun ? firstCommit(runs[index]!, options?.owner ?? null) : null;
        if (first) await checkCommitted(ledger, world, since, [first], [begun!]);
      }
      return results;
    },
    async load(runId, options = {}) {
      const since = ledger.start();
      const page = await world.load(runId, options);
      checkHistory(ledger, since, runId, options.after ?? 0, options.limit ?? Infinity, page);
      await checkAnswers(ledger, world, page.messages);
      return page;
    },
  };
}

function checkedWorkers(world: World, ledger: Ledger, leases: Leases): Pick<World, "claim" | "heartbeat" | "retire" | "release"> {
  return {
    async claim(request) {
      const since = ledger.start();
      const before = await world.now();
      forgetUnheld(ledger, request);
      const claimed = await world.claim(request);
      const after = await world.now();
      checkClaimed(ledger, leases, request, { since, before, after }, claimed);
      await checkAnswers(ledger, world, claimed.messages);
      // A World may leave out the renewal while more than two thirds of the lease are left.
      if (isWhole(claimed)) leases.extend(request.worker, before + (request.leaseMs * 2) / 3, ledger.tick());
      return claimed;
    },
    async heartbeat(worker, leaseMs) {
      const before = await world.now();
      const renewal = await world.heartbeat(worker, leaseMs);
      if (isWhole(renewal)) leases.extend(worker, before + leaseMs, ledger.tick());
      return renewal;
    },
    async retire(worker) {
      leases.end(worker, ledger.tick());
      await world.retire(worker);
    },
    async release(worker, released) {
      for (const { runId, fence } of released) {
        const facts = ledger.run(runId);
        if (facts.owner?.worker === worker && facts.owner.fence === fence) facts.owner = null;
      }
      await world.release(worker, released);
    },
  };
}

/** Where a part of the World did not answer, the runs of that part may be given to others. */
function isWhole(renewal: Renewal | void): boolean {
  return !renewal?.renewed;
}

function checkedWrites(world: World, ledger: Ledger): Pick<World, "commit" | "deliver" | "end" | "amend"> {
  return {
    async commit(commits: readonly Commit[]): Promise<CommitResult[]> {
      const since = ledger.start();
      let results: CommitResult[];
      try {
        results = await world.commit(commits);
      } catch (error) {
        for (const { runId } of commits) ledger.run(runId).uncertain = true;
        throw error;
      }
      await checkCommitted(ledger, world, since, commits, results);
      return results;
    },
    async deliver(messages) {
      const since = ledger.start();
      const results = await world.deliver(messages);
      holds(results.length === messages.length, () => `${messages.length} messages were delivered; ${results.length} were answered.`);
      for (const [index, delivery] of results.entries()) await checkDelivery({ ledger, world, since }, messages[index]!, delivery);
      return results;
    },
    async end(runId, end) {
      const since = ledger.start();
      const outcome = await world.end(runId, end);
      const { seenAt, final } = ledger.run(runId);
      holds(outcome !== "not_found" || seenAt > since, () => `Run ${runId} exists and was not found.`);
      holds(outcome !== "ended" || final === null || final.tick > since, () => `Run ${runId} was over and was ended again.`);
      if (outcome !== "not_found") await checkOver(ledger, world, runId, null);
      return outcome;
    },
    amend: async (runId, amendment) => checkAmended(ledger, world, runId, amendment),
  };
}

async function checkDelivery(
  { ledger, world, since }: { readonly ledger: Ledger; readonly world: World; readonly since: number },
  { id, to }: Message,
  delivery: Delivery,
): Promise<void> {
  if (delivery.status === "not_found") {
    const seenAt = "runId" in to ? ledger.run(to.runId).seenAt : Infinity;
    holds(seenAt > since, () => `A message found no run ${"runId" in to ? to.runId : ""}, which exists.`);
    return;
  }
  const { runId, status } = delivery;
  const addressed = "runId" in to ? to.runId : runId;
  const isItsOwn = addressed === runId || (await comesAfter(world, addressed, runId));
  holds(isItsOwn, () => `A message to run ${addressed} went to run ${runId}.`);
  if (status !== "delivered") return;
  const facts = ledger.run(runId);
  const sent = facts.sent.get(id) ?? Infinity;
  holds(!facts.delivered.has(id) && sent > since, () => `Message ${id} was delivered to run ${runId} twice.`);
  const { final } = facts;
  holds(final === null || final.tick > since, () => `Message ${id} was delivered to run ${runId}, which was over.`);
  facts.delivered.set(id, ledger.tick());
}

/** Whether a run is one of the successors of another. */
async function comesAfter(world: World, first: string, runId: string): Promise<boolean> {
  for (let link: string | null = first; link !== null;) {
    const run: RunRecord | null = await world.query.run({ id: link });
    link = run?.successor ?? null;
    if (link === runId) return true;
  }
  return false;
}

function checkedStreams(world: World, ledger: Ledger): World["streams"] {
  return {
    async append(appends) {
      const since = ledger.start();
      const results = await world.streams.append(appends);
      checkAppended(ledger, since, appends, results);
      return results;
    },
    async read(ref, from, limit) {
      const since = ledger.start();
      const page = await world.streams.read(ref, from, limit);
      checkStreamPage(ledger, since, ref, from, limit ?? Infinity, page);
      return page;
    },
  };
}

function checkedCode(world: World, ledger: Ledger): World["code"] {
  return {
    async put(hash, bytes) {
      await world.code.put(hash, bytes);
      if (ledger.code.has(hash)) return;
      const stored = await world.code.get(hash);
      holds(stored !== null, () => `The bundle ${hash} was stored and is not there.`);
      ledger.code.set(hash, { tick: ledger.tick(), sum: checksum(stored) });
    },
    async get(hash) {
      const since = ledger.start();
      const bytes = await world.code.get(hash);
      const known = ledger.code.get(hash);
      if (known === undefined || known.tick > since) return bytes;
      holds(bytes !== null && checksum(bytes) === known.sum, () => `The bundle ${hash} is gone, or changed.`);
      return bytes;
    },
    storedAt: (hash) => world.code.storedAt(hash),
  };
}

function checkedQuery(world: World, ledger: Ledger): World["query"] {
  async function checkAll<T>(answer: () => Promise<T>, runsOf: (result: T) => readonly RunRecord[]): Promise<T> {
    const since = ledger.start();
    const result = await answer();
    const runs = runsOf(result);
    holds(new Set(runs.map(({ id }) => id)).size === runs.length, () => "A query answered one run twice.");
    for (const run of runs) checkRecord(ledger, since, run);
    return result;
  }

  return {
    async run(by) {
      const since = ledger.start();
      const run = await world.query.run(by);
      const seenAt = "id" in by ? ledger.run(by.id).seenAt : Infinity;
      holds(run !== null || seenAt > since, () => `Run ${"id" in by ? by.id : ""} exists and was not found.`);
      if (run !== null) checkRecord(ledger, since, run);
      return run;
    },
    runsById: (ids) =>
      checkAll(
        () => world.query.runsById(ids),
        (runs) => runs,
      ),
    runs: (request) =>
      checkAll(
        () => world.query.runs(request),
        ({ runs }) => runs,
      ),
    versions: (workflowId) => world.query.versions(workflowId),
    hook: (token) => world.query.hook(token),
    async state(runId, key) {
      const since = ledger.start();
      const entries = await world.query.state(runId, key);
      checkState(ledger, since, runId, key, entries);
      return entries;
    },
  };
}
