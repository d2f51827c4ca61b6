import { fanOut, messages, sequential } from "../workflows/replayed.ts";

/** A row of history in its two parts: the event with what the workflow asked for on it, and the payload. */
export interface RowParts {
  readonly event: Readonly<Record<string, unknown>>;
  readonly payload: string;
}

/** A kind of run to replay. */
export interface Shape {
  readonly name: "sequential" | "fanOut" | "messages";
  readonly workflow: (events: number, token: string, width: number) => Promise<number>;
  /** The rows that such a run has when it has seen so many events besides its start and waits for the next message. */
  rows(events: number, context: { readonly step: string; readonly token: string; readonly width: number; readonly at: number }): RowParts[];
}

const hookOp = "hook#1";
const hookAsk = `hook ${hookOp}`;
const padding = "x".repeat(1000);

/** What a message of these runs carries; 1 kB where they are replayed in numbers. */
export const messageOf = (more: boolean): { more: boolean; padding: string } => ({ more, padding });

export const shapes: readonly Shape[] = [
  {
    name: "sequential",
    workflow: sequential,
    rows: (events, { step, at }) => {
      const ask = (index: number): string => (index < events ? `step ${step}#${index + 1}` : hookAsk);
      const completed = (index: number): RowParts => completedRow(step, index, at, [ask(index + 1)]);
      return [startedRow(at, [ask(0)]), ...Array.from({ length: events }, (_, index) => completed(index))];
    },
  },
  {
    name: "fanOut",
    workflow: fanOut,
    rows: (events, { step, width, at }) => {
      const round = (first: number): string[] =>
        first < events ? Array.from({ length: width }, (_, index) => `step ${step}#${first + index + 1}`) : [hookAsk];
      const completed = (index: number): RowParts => completedRow(step, index, at, (index + 1) % width === 0 ? round(index + 1) : []);
      return [startedRow(at, round(0)), ...Array.from({ length: events }, (_, index) => completed(index))];
    },
  },
  {
    name: "messages",
    workflow: messages,
    rows: (events, { at }) => {
      const payload = `j${JSON.stringify(messageOf(true))}`;
      const received = (index: number): RowParts => ({
        event: { type: "hook_received", op: hookOp, message: messageId(index), at },
        payload,
      });
      return [startedRow(at, [hookAsk]), ...Array.from({ length: events }, (_, index) => received(index))];
    },
  },
];

/** In the shape of those that the runtime makes. */
function messageId(index: number): string {
  return `00000000-0000-4000-8000-${index.toString(16).padStart(12, "0")}`;
}

function startedRow(at: number, asks: readonly string[]): RowParts {
  return { event: { type: "run_started", at, asks }, payload: "" };
}

function completedRow(step: string, index: number, at: number, asks: readonly string[]): RowParts {
  const event = { type: "step_completed", op: `${step}#${index + 1}`, attempt: 1, at, ...(asks.length > 0 && { asks }) };
  return { event, payload: `j${JSON.stringify({ index })}` };
}

/** As it is stored. */
export function rowBytes({ event, payload }: RowParts): Uint8Array {
  return Buffer.from(`${JSON.stringify(event)}\n${payload}`, "utf8");
}
