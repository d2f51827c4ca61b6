import { isDelivered, namesOfAsks, type Event } from "../engine/event.ts";
import { advance, compareAsks } from "../engine/machine.ts";
import { takeReplies } from "../engine/requests.ts";
import { decodeRow, type Row } from "../engine/row.ts";
import { toText, type Reseed } from "../run-input.ts";
import { none } from "../lists.ts";
import type { RealmDelivery } from "../sandbox/realm.ts";
import type { Realms } from "../sandbox/realms.ts";
import { readAsks } from "./asks.ts";
import type { Resident } from "./resident.ts";
import { signalsOf } from "./run-signals.ts";
import type { Turns } from "./turns.ts";

/** Reads rows as a World stores them. */
export function readRows(rows: readonly { readonly data: Uint8Array }[]): Row[] {
  return rows.map((row) => decodeRow(toText(row.data)));
}

/** So many events are delivered and folded at a time, so that what a delivery leaves behind need not outlive the next ones. */
const chunk = 1000;

/**
 * Rebuilds a run from its history: every event is delivered as it was, and what the code asks for is checked against what it asked for then.
 * @param args the run's encoded arguments, which the first event carries  @param reseeds none of them behind the last row  @throws Divergence, WATCHDOG_TIMEOUT
 */
export async function replay(
  realm: Pick<Realms, "setReplaying" | "reseed">,
  turns: Turns,
  resident: Resident,
  rows: readonly Row[],
  args: string,
  reseeds: readonly Reseed[] = none,
): Promise<void> {
  realm.setReplaying(resident.handle, openCalls(rows));
  let reseeded = 0;
  for (let start = 0, end = 0; start < rows.length; start = end) {
    const reseed = reseeds[reseeded];
    end = Math.min(rows.length, start + chunk, reseed?.rows ?? Infinity);
    const deliveries: RealmDelivery[] = [];
    for (let index = start; index < end; index++) {
      const { event, payload } = rows[index] as Row;
      if (!isDelivered(event)) continue;
      deliveries.push({ handle: resident.handle, event, payload: event.type === "run_started" ? args : payload, out: null, error: null });
    }
    await turns.deliver(deliveries);
    let delivered = 0;
    for (let index = start; index < end; index++) {
      const row = rows[index] as Row;
      foldRow(resident, row, isDelivered(row.event) ? deliveries[delivered++] : undefined);
    }
    if (reseed?.rows !== end) continue;
    reseeded++;
    resident.seed = reseed.seed;
    realm.reseed(resident.handle, reseed.seed);
  }
  realm.setReplaying(resident.handle, null);
}

/** The operations that the history leaves without an answer: of all others the arguments are of no use any more. And what `patched()` was told. */
function openCalls(rows: readonly Row[]): string[] {
  const open = new Set<string>();
  for (const { event, asks } of rows) {
    if (endsCall(event)) open.delete(event.op);
    for (const ask of asks) {
      if (ask.startsWith("step ") || ask.startsWith("start ")) open.add(ask.slice(ask.indexOf(" ") + 1));
      else if (ask.startsWith("patch ")) open.add(ask);
    }
  }
  return [...open];
}

/** Whether a call has its answer by this event. */
function endsCall(event: Event): event is Extract<Event, { op: string }> {
  const { type } = event;
  return type === "step_completed" || type === "step_failed" || (type.startsWith("run_") && "op" in event && type !== "run_accepted");
}

function foldRow(resident: Resident, row: Row, delivery: RealmDelivery | undefined): void {
  if (delivery?.error) throw delivery.error;
  const asks = readAsks(delivery?.out ?? null);
  const difference = compareAsks(row.asks, namesOfAsks(asks));
  if (difference) throw difference;
  const { machine } = resident;
  advance(machine, row.event, asks, row.payload);
  for (const ask of asks) if (ask.kind === "signal") signalsOf(resident).abort(ask.signal, ask.reason);
  if (machine.requests) takeReplies(machine.requests); // they were written then
}
