import type { HistoryRow } from "@perdure/world";

/** A row of history, read without the runtime: one line of JSON, a line feed, the payload. */
export interface ReadRow {
  readonly type: string;
  /** The operation that the event answers; empty for `run_started`. */
  readonly op: string;
  readonly attempt: number;
  readonly at: number;
  /** Of a hook's payload: the message's id. */
  readonly message: string;
  /** What the workflow asked for on this event: `step <op>`, `wait <op>` …, `completed`. */
  readonly asks: readonly string[];
  readonly payload: string;
}

/** @throws when the row is not of that form */
export function readRow({ data }: HistoryRow): ReadRow {
  const text = Buffer.from(data).toString("utf8");
  const end = text.indexOf("\n");
  const head = JSON.parse(text.slice(0, end)) as Partial<ReadRow>;
  return { type: "", op: "", attempt: 0, at: 0, message: "", asks: [], ...head, payload: text.slice(end + 1) };
}

/** The value of a payload that JSON can hold; the load has no others but errors, which stay text. */
export function valueOf(payload: string): unknown {
  return payload.startsWith("j") ? JSON.parse(payload.slice(1)) : payload;
}

/** The operations of steps that a row asks for. */
export function stepsAsked({ asks }: ReadRow): string[] {
  return asks.flatMap((ask) => (ask.startsWith("step ") ? [ask.slice("step ".length)] : []));
}

/** Whether a row is that of a first turn which asks for nothing but steps: they follow from the run's record, and are begun before the row is written. */
export function isBeginning({ type, asks }: ReadRow): boolean {
  return type === "run_started" && asks.every((ask) => ask.startsWith("step "));
}
