import type { StateEntry } from "../index.ts";
import { checksum, latest, type Ledger } from "./ledger.ts";
import { holds } from "./violation.ts";

/** Published state: each key once, versions that only grow, one value per version. */
export function checkState(ledger: Ledger, since: number, runId: string, only: string | undefined, entries: readonly StateEntry[]): void {
  const { state } = ledger.run(runId);
  holds(new Set(entries.map(({ key }) => key)).size === entries.length, () => `The state of run ${runId} has a key twice.`);
  for (const { key, value, version } of entries) {
    holds(only === undefined || key === only, () => `The state "${only}" of run ${runId} was asked for, and "${key}" came.`);
    const known = state.get(key) ?? [];
    const before = latest(known, since)?.version ?? 0;
    holds(version >= Math.max(before, 1), () => `The state "${key}" of run ${runId} fell from version ${before} to ${version}.`);
    const sum = checksum(value);
    const same = known.find((entry) => entry.version === version);
    holds(same === undefined || same.sum === sum, () => `Version ${version} of the state "${key}" of run ${runId} changed.`);
    // Answers of calls that overlap may come out of order: only growing versions are kept.
    if (version > (known.at(-1)?.version ?? 0)) state.set(key, [...known.slice(-15), { tick: ledger.tick(), version, sum }]);
  }
}
