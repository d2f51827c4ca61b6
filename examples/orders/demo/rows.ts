import type { AttemptEntry } from "../src/attempt-log.ts";
import type { Customer } from "./customers.ts";
import type { ListedOrder } from "./shop-client.ts";

/** One order, as the screen shows it. */
export interface Row {
  readonly id: string;
  readonly amount: string;
  readonly stage: string;
  /** Whether it waits for its turn, is worked on, waits for something, or has ended well or badly. */
  readonly tone: "idle" | "work" | "wait" | "done" | "bad";
  readonly note: string;
  /** Attempts of steps so far. */
  readonly attempts: number;
  /** What the kill meant for this order; empty if nothing. */
  readonly resumed: string;
  /** True when a step of this order has run after the kill. */
  readonly goesOn: boolean;
}

/** What the kill did to an order in flight. */
export interface Interruption {
  /** Steps whose results were in its history. */
  readonly kept: number;
  /** Attempts that were cut off. */
  readonly cutOff: number;
}

export interface Sources {
  readonly customer: Customer;
  /** What the shop said last, or nothing yet. */
  readonly listed: ListedOrder | undefined;
  /** The attempts of this order's steps, oldest first. */
  readonly attempts: readonly AttemptEntry[];
  readonly interruption: Interruption | undefined;
  /** The process that works now; null while there is none. */
  readonly pid: number | null;
}

/** Puts together what the shop, the log of attempts and the history at the kill say of an order. */
export function createRow(sources: Sources): Row {
  const { customer, attempts, interruption, pid } = sources;
  const { id, amountCents } = customer.order;
  const resumed = interruption ? `${interruption.kept} kept${interruption.cutOff > 0 ? `, ${interruption.cutOff} again` : ""}` : "";
  const started = attempts.filter((entry) => entry.event === "started").length;
  const goesOn = interruption !== undefined && attempts.at(-1)?.pid === pid;
  return { id, amount: (amountCents / 100).toFixed(2), attempts: started, resumed, goesOn, ...stageOf(sources) };
}

/** The stage of an order that waits for a human. */
export const approvalStage = "awaiting approval";

type Stage = Pick<Row, "stage" | "tone" | "note">;

const doing: Record<string, string> = {
  reserveStock: "reserving stock",
  charge: "charging",
  ship: "shipping",
  sendReceipt: "sending receipt",
  refund: "refunding",
  releaseStock: "releasing stock",
};

function stageOf({ customer, listed, attempts, pid }: Sources): Stage {
  if (!listed)
    return { stage: customer.sent === 0 ? "" : "sent", tone: "idle", note: customer.sent > 1 ? `sent ${customer.sent} times` : "" };
  if (listed.status === "completed") return { stage: "completed", tone: "done", note: "" };
  if (listed.status !== "running") return { stage: listed.status, tone: "bad", note: listed.note ?? "" };
  return waitOf(listed.note ?? "", attempts.at(-1)) ?? attemptOf(attempts.at(-1), pid);
}

/** A run that waits says for what in its note: `waits for hook approval-1001 since <time>`, `sleeps until <time>`, `attempt 2 of 4 of <step> at <time>: <error>`. */
function waitOf(note: string, last: AttemptEntry | undefined): Stage | null {
  if (note.includes("hook approval-")) return { stage: approvalStage, tone: "wait", note: "a large order" };
  const inMs = Date.parse(/(?:until|at) (\S+Z)/.exec(note)?.[1] ?? "") - Date.now();
  const inSeconds = inMs > 0 ? `in ${(inMs / 1000).toFixed(1)} s` : "is due";
  if (note.includes("sleeps until")) return { stage: "sleeping", tone: "wait", note: `receipt ${inSeconds}` };
  // The note stays as it is while the attempt that it speaks of is made.
  if (inMs <= 0 && last?.event === "started") return null;
  const [, attempt, step = ""] = /attempt (\d+) of (?:\d+ of )?(\w+)/.exec(note) ?? [];
  if (attempt === undefined) return null;
  return { stage: doing[step] ?? step, tone: "wait", note: `attempt ${attempt} ${inSeconds}` };
}

function attemptOf(last: AttemptEntry | undefined, pid: number | null): Stage {
  if (!last) return { stage: "accepted", tone: "work", note: "" };
  const stage = doing[last.step] ?? last.step;
  if (last.pid !== pid) return { stage, tone: "idle", note: last.event === "started" ? "cut off" : "" };
  return { stage, tone: "work", note: last.attempt > 1 ? `attempt ${last.attempt}` : "" };
}
