import { isDelivered, namesOfAsks, type Ask, type Event } from "../engine/event.ts";
import { advance, compareAsks } from "../engine/machine.ts";
import { takeReplies } from "../engine/requests.ts";
import { decodeRow, type Row } from "../engine/row.ts";
import { toText } from "../run-input.ts";
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

/**
 * Rebuilds a run from its history: every event is delivered as it was, and what the code asks for is checked against what it asked for then.
 * @param args the run's encoded arguments, which the first event carries  @throws Divergence, WATCHDOG_TIMEOUT
 */
export async function replay(
  realm: Pick<Realms, "setAnswered">,
  turns: Turns,
  resident: Resident,
  rows: readonly Row[],
  args: string,
): Promise<void> {
  const answered = rows.flatMap(({ event }) => (endsCall(event) ? [event.op] : []));
  realm.setAnswered(resident.handle, answered);
  const deliveries = new Map<Row, RealmDelivery>();
  for (const row of rows) {
    const payload = row.event.type === "run_started" ? args : row.payload;
    if (isDelivered(row.event)) deliveries.set(row, { handle: resident.handle, event: row.event, payload, out: null, error: null });
  }
  await turns.deliver([...deliveries.values()]);
  for (const row of rows) foldRow(resident, row, deliveries.get(row));
  realm.setAnswered(resident.handle, null);
}

/** Whether the arguments of a call are of no use any more: it has its answer. */
function endsCall(event: Event): event is Extract<Event, { op: string }> {
  const { type } = event;
  return type === "step_completed" || type === "step_failed" || (type.startsWith("run_") && "op" in event && type !== "run_accepted");
}

function foldRow(resident: Resident, row: Row, delivery: RealmDelivery | undefined): void {
  if (delivery?.error) throw delivery.error;
  const asks: Ask[] = [];
  if (delivery?.out) readAsks(delivery.out, asks, []);
  const difference = compareAsks(row.asks, namesOfAsks(asks));
  if (difference) throw difference;
  const { machine } = resident;
  advance(machine, row.event, asks, row.payload);
  for (const ask of asks) if (ask.kind === "signal") signalsOf(resident).abort(ask.signal, ask.reason);
  if (machine.requests) takeReplies(machine.requests); // they were written then
}
