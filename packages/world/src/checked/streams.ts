import type { StreamPage, StreamRef } from "../index.ts";
import { latest, type Ledger } from "./ledger.ts";
import { holds } from "./violation.ts";

/** An append was acknowledged: behind all that was there, where no other append is, in a stream that was open. */
export function checkAppended(ledger: Ledger, since: number, { runId, name }: StreamRef, count: number, first: number): void {
  const facts = ledger.stream(runId, name);
  const end = latest(facts.ends, since)?.end ?? 0;
  holds(facts.closedAt > since, () => `A chunk was appended to the closed stream "${name}" of run ${runId}.`);
  holds(first >= end, () => `Chunks were appended at ${first} to the stream "${name}" of run ${runId}, which had ${end}.`);
  if (count === 0) return;
  holds(!facts.starts.has(first), () => `Two appends to the stream "${name}" of run ${runId} were put at ${first}.`);
  facts.starts.add(first);
  if (first + count > (facts.ends.at(-1)?.end ?? 0)) facts.ends.push({ tick: ledger.tick(), end: first + count });
}

/** A page of a stream: no chunk that is known is missing, and a closed stream has an end. */
export function checkStreamPage(
  ledger: Ledger,
  since: number,
  { runId, name }: StreamRef,
  from: number,
  limit: number,
  page: StreamPage,
): void {
  const facts = ledger.stream(runId, name);
  const end = latest(facts.ends, since)?.end ?? 0;
  const { chunks, next, done } = page;
  holds(
    next === from + chunks.length,
    () => `The stream "${name}" of run ${runId} gave ${chunks.length} chunks from ${from}, and ${next}.`,
  );
  holds(chunks.length <= limit, () => `At most ${limit} chunks were asked for, and ${chunks.length} came.`);
  holds(chunks.length >= Math.min(limit, end - from), () => `The stream "${name}" of run ${runId} has ${end} chunks; ${next} came.`);
  holds(!done || next >= end, () => `The stream "${name}" of run ${runId} is done at ${next}; it has ${end} chunks.`);
  const mustEnd = facts.closedAt <= since && chunks.length < limit;
  holds(!mustEnd || done, () => `The stream "${name}" of run ${runId} was closed and goes on.`);
}
