import type { Commit, HistoryPage, ReceivedMessage, RunRecord, World } from "../index.ts";
import { ANSWER_KIND, answerId, answerPayload } from "../index.ts";
import { checksum, type Ledger } from "./ledger.ts";
import { holds } from "./violation.ts";

/** A commit was committed: who awaits whom from now on, as far as it is named by id. The first await of an operation counts. */
export function learnAwaits(ledger: Ledger, since: number, { runId, patch, successor, awaits = [] }: Commit): void {
  const facts = ledger.run(runId);
  const ends = patch?.status !== undefined && patch.status !== "running";
  for (const { operation, run } of awaits) {
    if (facts.awaits.has(operation)) continue;
    const awaited = "id" in run ? run.id : null;
    facts.awaits.set(operation, { runId: awaited, existed: awaited !== null && ledger.run(awaited).seenAt <= since });
    if (awaited !== null && !ends) ledger.run(awaited).awaiters.push({ runId, operation });
  }
  if (successor !== undefined) ledger.run(successor.id).awaiters.push(...facts.awaiters.splice(0));
}

/** The awaits of a commit that was applied just now: those of runs that were known to be over are answered. */
export async function checkAnsweredAtOnce(ledger: Ledger, inner: World, since: number, commit: Commit): Promise<void> {
  for (const { operation, run } of commit.awaits ?? []) {
    if (!("id" in run) || ledger.run(commit.runId).awaits.get(operation)?.runId !== run.id) continue;
    const { final } = ledger.run(run.id);
    if (final === null || final.tick > since || final.run.successor !== null) continue;
    await checkTold(ledger, inner, commit.base + commit.rows.length, { runId: commit.runId, operation }, run.id);
  }
}

/** A run has ended for good: all that are known to have awaited it were told. */
export async function checkAnswered(ledger: Ledger, inner: World, runId: string): Promise<void> {
  for (const awaiter of ledger.run(runId).awaiters) {
    await checkTold(ledger, inner, ledger.run(awaiter.runId).rows.length, awaiter, runId);
  }
}

/** A run has an answer, unless it is over, or may have consumed it: its history is longer than it is known to be. */
async function checkTold(
  ledger: Ledger,
  inner: World,
  length: number,
  { runId, operation }: { readonly runId: string; readonly operation: string },
  ended: string,
): Promise<void> {
  const facts = ledger.run(runId);
  const id = answerId(operation);
  const isExcused = (): boolean => facts.final !== null || facts.uncertain || facts.amendedAt >= 0 || facts.consumed.has(id);
  if (isExcused()) return;
  const standing = await read(inner, runId, length);
  if (standing === null || standing.run.status !== "running" || standing.page.rows.length > 0 || isExcused()) return;
  const told = standing.page.messages.some((message) => message.id === id);
  holds(told, () => `Run ${ended} is over, and run ${runId}, which awaits it by ${operation}, was not told.`);
}

/** A run, and what it has behind some rows; null when the World is closed or out of reach by now. */
async function read(inner: World, runId: string, after: number): Promise<{ run: RunRecord; page: HistoryPage } | null> {
  try {
    const page = await inner.load(runId, { after, limit: 1 });
    const run = await inner.query.run({ id: runId });
    return run === null ? null : { run, page };
  } catch {
    return null;
  }
}

/** Answers that were shown to a run: what it awaits is over and ended as they say, or was not there. */
export async function checkAnswers(ledger: Ledger, inner: World, messages: readonly ReceivedMessage[]): Promise<void> {
  for (const { runId, id, kind, operation, payload } of messages) {
    if (kind !== ANSWER_KIND || operation === null || id !== answerId(operation)) continue;
    const { awaits, uncertain } = ledger.run(runId);
    const awaited = awaits.get(operation);
    if (awaited === undefined || awaited.runId === null || uncertain) continue;
    const ended = await lastOf(inner, awaited.runId);
    if (ended === "out of reach" || (ended !== null && ledger.run(ended.id).amendedAt >= 0)) continue;
    const sum = checksum(payload);
    const isMissing = sum === checksum(answerPayload("not_found", null)) && !awaited.existed;
    const isEnd = ended !== null && ended.status !== "running" && sum === checksum(answerPayload(ended.status, ended.output));
    holds(isMissing || isEnd, () => `Run ${runId} was told by ${operation} of an end of run ${awaited.runId} that is not so.`);
  }
}

/** The run in which a run goes on in the end; null where there is none. */
async function lastOf(inner: World, runId: string): Promise<RunRecord | null | "out of reach"> {
  const read = (id: string): Promise<RunRecord | null | "out of reach"> => inner.query.run({ id }).catch(() => "out of reach" as const);
  let run = await read(runId);
  while (run !== null && run !== "out of reach" && run.successor !== null) run = await read(run.successor);
  return run;
}
