import type { Claimed, ClaimRequest, CreatedRun, NewRun, RunRecord, World } from "../index.ts";
import { checkAnswered } from "./awaits.ts";
import { checksum, latest, type Ledger } from "./ledger.ts";
import type { Leases } from "./leases.ts";
import { holds } from "./violation.ts";

/** A record that the World showed: it is sound in itself, its fence never falls, and a run that was over is as it was (but for a key that another took over). */
export function checkRecord(ledger: Ledger, since: number, run: RunRecord): void {
  const facts = ledger.run(run.id);
  if (facts.amendedAt > since) return;
  const over = run.status !== "running";
  holds(over === (run.endedAt !== null), () => `Run ${run.id} is ${run.status} and ended at ${run.endedAt}.`);
  holds(!over || (run.owner === null && run.dueAt === null), () => `Run ${run.id} is over and has an owner or a due time.`);
  const goesOn = run.successor !== null;
  holds(
    !goesOn || (over && run.key === null && run.successor !== run.id),
    () => `Run ${run.id} has a successor, and is open or has a key.`,
  );
  holds(run.owner === null || run.fence > 0, () => `Run ${run.id} has an owner at fence 0.`);
  const fence = latest(facts.fences, since)?.fence ?? 0;
  holds(run.fence >= fence, () => `The fence of run ${run.id} fell from ${fence} to ${run.fence}.`);
  const { final } = facts;
  if (final !== null && final.tick <= since) {
    const same = fingerprint(final.run) === fingerprint(run) && (run.key === null || run.key === final.run.key);
    holds(same, () => `Run ${run.id} was over (${final.run.status}) and changed (${run.status}).`);
  }
  learn(ledger, run);
}

function learn(ledger: Ledger, run: RunRecord): void {
  const facts = ledger.run(run.id);
  const tick = ledger.tick();
  facts.seenAt = Math.min(facts.seenAt, tick);
  if (run.fence > (facts.fences.at(-1)?.fence ?? 0)) facts.fences.push({ tick, fence: run.fence });
  if (run.status !== "running") facts.final ??= { tick, run };
}

function fingerprint(run: RunRecord): string {
  const bytes = (data: Uint8Array | null): number | null => (data === null ? null : checksum(data));
  const attributes = Object.entries(run.attributes).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify({ ...run, key: null, attributes, input: bytes(run.input), output: bytes(run.output) });
}

/** A worker was given a run: each fence is given once. */
function grant(ledger: Ledger, run: RunRecord, worker: string): void {
  const facts = ledger.run(run.id);
  holds(run.status === "running", () => `Run ${run.id} is ${run.status} and was given to ${worker}.`);
  holds(run.owner === worker, () => `Run ${run.id} was given to ${worker} and belongs to ${run.owner}.`);
  holds(!facts.granted.has(run.fence), () => `Run ${run.id} was given at fence ${run.fence} twice.`);
  facts.granted.add(run.fence);
  if (run.fence >= (facts.fences.at(-1)?.fence ?? 0)) facts.owner = { tick: ledger.tick(), worker, fence: run.fence };
}

/** {@link World.createRuns}: in order, each new run once, the existing one by the id or key that was asked for; a replaced one is over. */
export async function checkCreated(
  ledger: Ledger,
  inner: World,
  since: number,
  runs: readonly NewRun[],
  owner: string | undefined,
  results: CreatedRun[],
): Promise<void> {
  holds(results.length === runs.length, () => `${runs.length} runs were to be created; ${results.length} were answered.`);
  for (const [index, { run, created, replaced, begun }] of results.entries()) {
    const asked = runs[index]!;
    const same = run.id === asked.id || (asked.key !== null && run.key === asked.key);
    holds(same, () => `Run ${asked.id} was asked for and run ${run.id} was answered.`);
    const seenAt = ledger.run(run.id).seenAt;
    holds(!created || seenAt > since, () => `Run ${run.id} was created twice.`);
    holds(!created || run.fence === (owner === undefined ? 0 : 1), () => `The new run ${run.id} has fence ${run.fence}.`);
    checkRecord(ledger, since, run);
    if (created && owner !== undefined) grant(ledger, begun?.released ? { ...run, owner } : run, owner);
    holds(begun === undefined || (created && owner !== undefined), () => `Run ${run.id} was begun and not created for an owner.`);
    if (replaced === null) continue;
    const mayReplace = created && asked.ifKeyExists === "replace" && replaced !== run.id;
    holds(mayReplace, () => `Run ${run.id} was not to replace run ${replaced}.`);
    await checkOver(ledger, inner, replaced, asked.key);
  }
}

/** Reads a run that was ended from outside: it is over, has lost the key, and those who awaited it were told. */
export async function checkOver(ledger: Ledger, inner: World, runId: string, lostKey: string | null): Promise<void> {
  const since = ledger.start();
  const run = await inner.query.run({ id: runId }).catch(() => null); // Closed or out of reach by now.
  if (run === null) return;
  holds(run.status !== "running", () => `Run ${runId} was ended and is open.`);
  holds(lostKey === null || run.key !== lostKey, () => `Run ${runId} was replaced and has its key "${lostKey}" still.`);
  checkRecord(ledger, since, run);
  if (run.successor === null) await checkAnswered(ledger, inner, runId);
}

/** A claim that says what the worker holds sets free what else it had. */
export function forgetUnheld(ledger: Ledger, { worker, holding }: ClaimRequest): void {
  if (!holding) return;
  const held = new Set(holding);
  for (const [id, facts] of ledger.runs()) if (facts.owner?.worker === worker && !held.has(id)) facts.owner = null;
}

/** What is known around a claim. */
export interface ClaimWindow {
  /** The tick and the World's time before the call, and its time after. */
  readonly since: number;
  readonly before: number;
  readonly after: number;
}

/** {@link World.claim}: due runs only, each at a new fence, none that the worker owns, none whose owner is known to be alive. */
export function checkClaimed(ledger: Ledger, leases: Leases, request: ClaimRequest, window: ClaimWindow, claimed: Claimed): void {
  const { worker, limit } = request;
  const { since, before, after } = window;
  const { runs, messages, nextDueAt } = claimed;
  holds(runs.length <= limit, () => `${worker} claimed at most ${limit} runs and was given ${runs.length}.`);
  holds(nextDueAt === null || nextDueAt > before, () => `The next due time ${nextDueAt} is over.`);
  let dueAt = -Infinity;
  for (const { run } of runs) {
    holds(run.dueAt !== null && run.dueAt <= after, () => `Run ${run.id} was claimed before it was due.`);
    holds(run.dueAt >= dueAt, () => `Run ${run.id} was due earlier than the run that was claimed before it.`);
    dueAt = run.dueAt;
    const isKnown = request.holding?.includes(run.id) ?? true;
    if (isKnown) checkTakeover(ledger, leases, since, worker, after, run);
    checkRecord(ledger, since, run);
    grant(ledger, run, worker);
  }
  const seen = new Set<string>();
  for (const { runId, id } of messages) {
    holds(!seen.has(`${runId} ${id}`), () => `Message ${id} of run ${runId} was received twice by one claim.`);
    seen.add(`${runId} ${id}`);
    checkUnconsumed(ledger, since, runId, id);
  }
}

function checkTakeover(ledger: Ledger, leases: Leases, since: number, worker: string, after: number, run: RunRecord): void {
  const { fences, owner } = ledger.run(run.id);
  const fence = latest(fences, since)?.fence ?? 0;
  holds(run.fence > fence, () => `Run ${run.id} was claimed at fence ${run.fence}; it had fence ${fence} before.`);
  // Known owners only, and only if nobody else can have had the run in between.
  if (owner === null || owner.tick > since || run.fence !== owner.fence + 1 || leases.hasEnded(owner.worker, owner.tick)) return;
  holds(owner.worker !== worker, () => `${worker} was given run ${run.id}, which it owned.`);
  holds(!leases.isAlive(owner.worker, since, after), () => `Run ${run.id} was taken from ${owner.worker}, whose lease was not over.`);
}

/** A message that was shown as unconsumed. */
export function checkUnconsumed(ledger: Ledger, since: number, runId: string, id: string): void {
  const consumed = ledger.run(runId).consumed.get(id) ?? Infinity;
  holds(consumed > since, () => `Message ${id} of run ${runId} was consumed and came again.`);
}
