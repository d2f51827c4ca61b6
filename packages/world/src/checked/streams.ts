import type { StreamAppend, StreamAppended, StreamPage, StreamRef } from "../index.ts";
import { latest, type Ledger } from "./ledger.ts";
import { holds } from "./violation.ts";

/** Appends were answered, one by one: where each was added, nothing else is; a stream that was closed does not grow. */
export function checkAppended(ledger: Ledger, since: number, appends: readonly StreamAppend[], results: readonly StreamAppended[]): void {
  holds(results.length === appends.length, () => `${appends.length} appends were made; ${results.length} were answered.`);
  for (const [index, append] of appends.entries()) checkOne(ledger, since, append, results[index]!);
}

function checkOne(ledger: Ledger, since: number, append: StreamAppend, result: StreamAppended): void {
  const { runId, name, chunks, close, writer } = append;
  const stream = `the stream "${name}" of run ${runId}`;
  const facts = ledger.stream(runId, name);
  if (result.status === "not_found") holds(ledger.run(runId).seenAt > since, () => `An append found no run ${runId}, which exists.`);
  if (result.status !== "appended") return;
  const { added, length } = result;
  const first = length - added;
  const end = latest(facts.ends, since)?.end ?? 0;
  holds(
    added <= chunks.length && (writer !== undefined || added === chunks.length),
    () => `${added} of ${chunks.length} chunks were added to ${stream}.`,
  );
  if (writer !== undefined) checkWriter(ledger, since, append, added);
  holds(length >= end, () => `An append to ${stream}, which had ${end} chunks, found ${length}.`);
  if (added > 0) {
    holds(facts.closedAt > since, () => `A chunk was appended to ${stream}, which was closed.`);
    holds(first >= end, () => `Chunks were appended at ${first} to ${stream}, which had ${end}.`);
    holds(!facts.starts.has(first), () => `Two appends to ${stream} were put at ${first}.`);
    facts.starts.add(first);
  }
  const tick = ledger.tick();
  if (length > (facts.ends.at(-1)?.end ?? 0)) facts.ends.push({ tick, end: length });
  if (close === true) facts.closedAt = Math.min(facts.closedAt, tick);
}

/** What a writer was told to have appended is not added again. */
function checkWriter(ledger: Ledger, since: number, { runId, name, chunks, writer }: StreamAppend, added: number): void {
  const { id, from } = writer!;
  const { writers } = ledger.stream(runId, name);
  const known = writers.get(id) ?? { tick: 0, written: 0 };
  const most = Math.max(0, from + chunks.length - (known.tick <= since ? known.written : 0));
  holds(
    added <= most,
    () => `The writer ${id} was told that the stream "${name}" of run ${runId} has ${known.written} of its chunks; ${added} were added.`,
  );
  const written = Math.max(known.written, from + chunks.length);
  if (written > known.written) writers.set(id, { tick: ledger.tick(), written });
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
  const { chunks, next, done, length, run } = page;
  holds(
    next === from + chunks.length,
    () => `The stream "${name}" of run ${runId} gave ${chunks.length} chunks from ${from}, and ${next}.`,
  );
  holds(chunks.length <= limit, () => `At most ${limit} chunks were asked for, and ${chunks.length} came.`);
  holds(chunks.length >= Math.min(limit, end - from), () => `The stream "${name}" of run ${runId} has ${end} chunks; ${next} came.`);
  holds(
    length >= end && (chunks.length === 0 || length >= next),
    () => `The stream "${name}" of run ${runId} has ${end} chunks, not ${length}.`,
  );
  const { seenAt, final } = ledger.run(runId);
  holds(run !== null || seenAt > since, () => `Run ${runId} exists; its stream "${name}" says that it does not.`);
  holds(
    final === null || final.tick > since || run === final.run.status,
    () => `Run ${runId} is ${final?.run.status}; its stream says ${run}.`,
  );
  holds(!done || next >= end, () => `The stream "${name}" of run ${runId} is done at ${next}; it has ${end} chunks.`);
  const mustEnd = facts.closedAt <= since && chunks.length < limit;
  holds(!mustEnd || done, () => `The stream "${name}" of run ${runId} was closed and goes on.`);
}
