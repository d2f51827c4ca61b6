/**
 * What the demo claims, worked out from the ledgers (what really happened), the World (what Perdure remembers) and the answers of the shop (what customers see).
 * Nothing here asks the workflows.
 */
import { isDeepStrictEqual } from "node:util";

import type { AttemptEntry } from "../src/attempt-log.ts";
import type { Entry } from "../src/outside/ledger.ts";
import type { Customer } from "./customers.ts";
import { attemptKey, type RunHistory } from "./history.ts";
import type { Ledgers } from "./ledgers.ts";
import type { OrderEnd } from "./shop-client.ts";

export interface Evidence {
  readonly customers: readonly Customer[];
  readonly ledgers: Ledgers;
  /** The World when the first process was dead, and at the end. By run id. */
  readonly before: ReadonlyMap<string, RunHistory>;
  readonly after: ReadonlyMap<string, RunHistory>;
  /** What the shop answered about each order at the end. */
  readonly ends: ReadonlyMap<string, OrderEnd | null>;
  readonly killedPid: number;
}

export interface Finding {
  readonly claim: string;
  /** What contradicts it; none if it holds. */
  readonly problems: readonly string[];
}

export interface Verdict {
  readonly findings: readonly Finding[];
  readonly completed: number;
  readonly lost: number;
  readonly chargedTwice: number;
  /** Steps of orders in flight whose result was in history before the kill and whose function did not run again. */
  readonly kept: number;
  /** Attempts that the kill cut off and that were made again. */
  readonly again: number;
}

export function judge(evidence: Evidence): Verdict {
  const { customers, ledgers, before, killedPid } = evidence;
  const { reservations, charges, shipments, mails, attempts } = ledgers;
  const ids = customers.map(({ order }) => order.id);
  const counted = (entries: readonly Entry[]) => ids.map((id) => ({ id, count: entries.filter((entry) => entry.orderId === id).length }));
  const once = (what: string, entries: readonly Entry[]): Finding => ({
    claim: `${entries.length} ${what} for ${ids.length} orders`,
    problems: counted(entries).flatMap(({ id, count }) => (count === 1 ? [] : [`order ${id} has ${count} ${what}`])),
  });
  const isDone = (id: string) => isCompleted(evidence, id) && [reservations, charges, shipments, mails].every((ledger) => has(ledger, id));
  const completed = ids.filter(isDone).length;
  const startedLater = new Set(attempts.filter((entry) => entry.pid !== killedPid).map((entry) => attemptKey(entry.stepId, entry.attempt)));
  const ranAgain = secondRuns(evidence);
  const inFlight = [...before.values()].filter((run) => run.status === "running").flatMap((run) => [...run.results]);
  return {
    findings: [
      once("reservations", reservations),
      { ...once("charges", charges), claim: `${charges.length} charges for ${ids.length} orders, ${describeCharging(ledgers)}` },
      once("shipments", shipments),
      once("receipts", mails),
      { claim: "the orders' results name the charges and parcels of the ledgers", problems: wrongResults(evidence) },
      { claim: "every step result committed before the kill is still in history", problems: forgotten(evidence) },
      { claim: "no step whose result was committed before the kill ran again", problems: ranAgain },
    ],
    completed,
    lost: ids.length - completed,
    chargedTwice: counted(charges).filter(({ count }) => count > 1).length,
    kept: inFlight.length - ranAgain.length,
    again: [...cutOffAttempts(attempts, killedPid, before).keys()].filter((key) => startedLater.has(key)).length,
  };
}

/** The attempts of a killed process whose outcome is in no history, by their key: those that the kill cut off. */
export function cutOffAttempts(
  attempts: readonly AttemptEntry[],
  killedPid: number,
  histories: ReadonlyMap<string, RunHistory>,
): Map<string, AttemptEntry> {
  const found = new Map<string, AttemptEntry>();
  for (const entry of attempts) {
    const key = attemptKey(entry.stepId, entry.attempt);
    if (entry.pid === killedPid && !histories.get(entry.runId)?.outcomes.has(key)) found.set(key, entry);
  }
  return found;
}

function secondRuns({ ledgers, before, killedPid }: Evidence): string[] {
  const committed = new Set([...before.values()].flatMap((run) => [...run.results]));
  const started = ledgers.attempts.filter((entry) => entry.pid !== killedPid && committed.has(entry.stepId));
  return [...new Set(started.map((entry) => `${entry.step} of ${entry.runId} had a result and ran again`))];
}

function forgotten({ before, after }: Evidence): string[] {
  return [...before.values()].flatMap((run) =>
    [...run.results].filter((stepId) => !after.get(run.runId)?.results.has(stepId)).map((stepId) => `${stepId} is gone`),
  );
}

function wrongResults({ customers, ledgers, ends }: Evidence): string[] {
  return customers.flatMap(({ order: { id, amountCents } }) => {
    const charge = ledgers.charges.find((entry) => entry.orderId === id);
    const shipment = ledgers.shipments.find((entry) => entry.orderId === id);
    const expected = { outcome: "shipped", chargeId: charge?.chargeId, trackingId: shipment?.trackingId };
    const { result, error } = ends.get(id) ?? {};
    if (charge && charge.amountCents !== amountCents)
      return [`order ${id} was charged ${charge.amountCents} instead of ${amountCents} cents`];
    return isDeepStrictEqual(result, expected) ? [] : [`order ${id} ended with ${error ?? JSON.stringify(result)}`];
  });
}

function isCompleted({ after }: Evidence, orderId: string): boolean {
  return after.get(`order-${orderId}`)?.status === "completed";
}

function has(ledger: readonly Entry[], orderId: string): boolean {
  return ledger.some((entry) => entry.orderId === orderId);
}

/** How often the provider was asked, and how often for a charge whose answer had been lost: the attempt is younger than the charge with its key. */
function describeCharging({ attempts, charges }: Ledgers): string {
  const started = attempts.filter((entry) => entry.step === "charge" && entry.event === "started");
  const madeAt = new Map(charges.map((charge) => [charge.key, charge.at]));
  const repeats = started.filter((entry) => (madeAt.get(entry.stepId) ?? Infinity) < entry.at).length;
  return `asked for ${started.length} times, ${repeats} times when already made`;
}
