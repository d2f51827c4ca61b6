import type { Commit, CommitResult, HistoryPage, World } from "../index.ts";
import { WorldError } from "../index.ts";
import { checkAnswered, checkAnsweredAtOnce, learnAwaits } from "./awaits.ts";
import { checkStarted, checkSucceeded } from "./children.ts";
import { checksum, countUpTo, latest, type Ledger, type RunFacts } from "./ledger.ts";
import { checkUnconsumed } from "./runs.ts";
import { holds } from "./violation.ts";

/** {@link World.commit}: one outcome per commit, in order; what is committed was allowed, and is there. */
export async function checkCommitted(
  ledger: Ledger,
  inner: World,
  since: number,
  commits: readonly Commit[],
  results: readonly CommitResult[],
): Promise<void> {
  holds(results.length === commits.length, () => `${commits.length} commits were made; ${results.length} were answered.`);
  for (const [index, commit] of commits.entries()) {
    const result = results[index]!;
    if (result.status !== "committed") continue;
    checkConflicts(commit, result.conflicts);
    checkAllowed(ledger, since, commit);
    const isRetry = isKnown(ledger.run(commit.runId), commit);
    await checkLanded(ledger, inner, since, commit);
    learn(ledger, since, commit);
    if (result.released) learnRelease(ledger, commit);
    learnAwaits(ledger, since, commit);
    await checkStarted(ledger, inner, since, commit, result.existing);
    await checkSucceeded(ledger, inner, since, commit);
    if (commit.successor === undefined && isEnd(commit)) await checkAnswered(ledger, inner, commit.runId);
    if (!isRetry) await checkAnsweredAtOnce(ledger, inner, since, commit);
  }
}

function checkConflicts({ runId, hooks = [] }: Commit, conflicts: readonly string[]): void {
  for (const conflict of conflicts) {
    const asked = hooks.some(({ operation }) => operation === conflict);
    holds(asked, () => `A commit of run ${runId} reports a conflict of "${conflict}", which it did not ask for.`);
  }
}

/** A commit may be accepted by the latest fence, at the end of the history, of an open run; or because it landed before. */
function checkAllowed(ledger: Ledger, since: number, commit: Commit): void {
  const facts = ledger.run(commit.runId);
  if (facts.uncertain || facts.amendedAt > since || isKnown(facts, commit)) return;
  const { runId, worker, fence, base, patch } = commit;
  const current = latest(facts.fences, since)?.fence ?? 0;
  holds(fence >= current, () => `A commit of ${worker} to run ${runId} at fence ${fence} was accepted; the fence was ${current}.`);
  const length = countUpTo(facts.rows, since);
  holds(base >= length, () => `A commit to run ${runId} behind row ${base} was accepted; the history had ${length} rows.`);
  const { final } = facts;
  const again = final !== null && commit.rows.length === 0 && final.run.status === patch?.status && final.run.fence === fence;
  holds(final === null || final.tick > since || again, () => `A commit to run ${runId} was accepted; the run was ${final?.run.status}.`);
}

function learnRelease(ledger: Ledger, { runId, fence, worker }: Commit): void {
  const facts = ledger.run(runId);
  if (facts.owner?.worker === worker && facts.owner.fence === fence) facts.owner = null;
}

function isEnd({ patch }: Commit): boolean {
  return patch?.status !== undefined && patch.status !== "running";
}

function isKnown(facts: RunFacts, { base, rows }: Commit): boolean {
  return rows.length > 0 && rows.every((row, index) => facts.rows[base + index]?.sum === checksum(row));
}

/** Reads the rows back: they are there, with their numbers and bytes, and the messages that they folded in are not. */
async function checkLanded(ledger: Ledger, inner: World, since: number, { runId, base, rows, consumed = [] }: Commit): Promise<void> {
  if (rows.length === 0) return;
  let page: HistoryPage;
  try {
    page = await inner.load(runId, { after: base, limit: rows.length });
  } catch (error) {
    if (WorldError.is(error) && error.code === "RUN_NOT_FOUND") throw error;
    return; // Closed or out of reach by now: what was acknowledged before is not to be told.
  }
  if (ledger.run(runId).amendedAt > since) return;
  for (const [index, row] of rows.entries()) {
    const found = page.rows[index];
    const there = found?.seq === base + index + 1 && checksum(found.data) === checksum(row);
    holds(there, () => `Row ${base + index + 1} of run ${runId} was committed and is not there as it was written.`);
  }
  for (const { id } of page.messages) holds(!consumed.includes(id), () => `Message ${id} of run ${runId} was consumed and waits still.`);
}

function learn(ledger: Ledger, since: number, { runId, fence, base, rows, consumed = [], messages = [] }: Commit): void {
  const facts = ledger.run(runId);
  const tick = ledger.tick();
  facts.seenAt = Math.min(facts.seenAt, tick);
  if (facts.amendedAt > since) return;
  if (fence > (facts.fences.at(-1)?.fence ?? 0)) facts.fences.push({ tick, fence });
  for (const [index, row] of rows.entries()) if (facts.rows.length === base + index) facts.rows.push({ tick, sum: checksum(row) });
  for (const id of consumed) if (!facts.consumed.has(id)) facts.consumed.set(id, tick);
  for (const { id, to } of messages) {
    if (!("runId" in to)) continue;
    const receiver = ledger.run(to.runId);
    if (receiver.seenAt <= since && !receiver.sent.has(id)) receiver.sent.set(id, tick);
  }
}

/** {@link World.load}: rows in order without holes, the known ones unchanged, none missing; consumed messages stay consumed. */
export function checkHistory(ledger: Ledger, since: number, runId: string, after: number, limit: number, page: HistoryPage): void {
  const facts = ledger.run(runId);
  if (facts.amendedAt > since) return;
  const known = countUpTo(facts.rows, since);
  holds(page.rows.length <= limit, () => `At most ${limit} rows of run ${runId} were asked for, and ${page.rows.length} came.`);
  const expected = Math.min(limit, known - after);
  holds(page.rows.length >= expected, () => `Run ${runId} has ${known} rows; behind row ${after} only ${page.rows.length} came.`);
  const tick = ledger.tick();
  for (const [index, { seq, data }] of page.rows.entries()) {
    const wanted = after + index + 1;
    holds(seq === wanted, () => `The history of run ${runId} has row ${seq} where row ${wanted} belongs.`);
    const sum = checksum(data);
    const row = facts.rows[seq - 1];
    holds(row === undefined || row.sum === sum, () => `Row ${seq} of run ${runId} changed.`);
    if (facts.rows.length === seq - 1) facts.rows.push({ tick, sum });
  }
  const ids = new Set<string>();
  for (const message of page.messages) {
    holds(message.runId === runId, () => `Run ${runId} was loaded with a message of run ${message.runId}.`);
    holds(!ids.has(message.id), () => `Message ${message.id} of run ${runId} waits twice.`);
    ids.add(message.id);
    checkUnconsumed(ledger, since, runId, message.id);
  }
  holds(new Set(page.hooks.map(({ token }) => token)).size === page.hooks.length, () => `Run ${runId} holds a token twice.`);
}
