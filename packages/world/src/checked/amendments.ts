import type { Amendment, World } from "../index.ts";
import { checksum, type Ledger, type RunFacts } from "./ledger.ts";
import { holds } from "./violation.ts";

/** {@link World.amend}: the run is open, nobody's, at a new fence, and has the rows that it was to keep; its copy has all of them. */
export async function checkAmended(
  ledger: Ledger,
  inner: World,
  runId: string,
  amendment: Amendment,
): Promise<"amended" | "changed" | "not_found"> {
  const facts = ledger.run(runId);
  const { rewind, seen } = amendment;
  const [seenAt, since, before] = [facts.seenAt, ledger.start(), facts.amendedAt];
  const isFirst = before !== Infinity;
  facts.amendedAt = Infinity;
  const known = facts.rows.map(({ sum }) => sum);
  const outcome = await inner.amend(runId, amendment).catch((error: unknown) => {
    facts.uncertain = true;
    forget(facts, ledger.tick());
    throw error;
  });
  holds(outcome !== "not_found" || seenAt > since, () => `Run ${runId} exists and was not found.`);
  if (outcome !== "amended") {
    if (isFirst) facts.amendedAt = before;
    return outcome;
  }
  forget(facts, ledger.tick());
  const run = await inner.query.run({ id: runId }).catch(() => null);
  if (run !== null) holds(run.fence > seen.fence, () => `Run ${runId} was amended and has its fence ${run.fence} still.`);
  if (rewind === undefined) return outcome;
  const [page, copy] = await Promise.all([inner.load(runId, { limit: 1 + rewind.keepRows }), inner.load(rewind.copy.id)]).catch(() => []);
  if (page === undefined || copy === undefined) return outcome;
  for (const [index, { data }] of page.rows.slice(0, rewind.keepRows).entries()) {
    const isKept = known[index] === undefined || known[index] === checksum(data);
    holds(isKept, () => `Row ${index + 1} of run ${runId} was to be kept and changed.`);
  }
  holds(page.rows.length >= rewind.keepRows, () => `Run ${runId} was to keep ${rewind.keepRows} rows and has ${page.rows.length}.`);
  holds(copy.rows.length === rewind.length, () => `Run ${runId} had ${rewind.length} rows, and its copy has ${copy.rows.length}.`);
  return outcome;
}

/** What was known of the run is so no more, but for its fences. */
function forget(facts: RunFacts, tick: number): void {
  facts.amendedAt = tick;
  facts.rows.length = 0;
  facts.final = null;
  facts.owner = null;
  for (const map of [facts.delivered, facts.consumed, facts.sent, facts.awaits]) map.clear();
}
