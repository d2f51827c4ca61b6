/** What an open run waits for, from its history alone: no code of the workflow is needed, and none is run. */
import type { Row } from "./row.ts";

/** An operation that was asked for and has not been answered. Times are ms since the epoch. */
export interface OpenOperation {
  readonly kind: "step" | "wait" | "hook" | "run";
  readonly op: string;
  readonly since: number;
  /** When a wait is over, or the next attempt of a step may begin. */
  readonly until: number | null;
  /** Of a step: the attempt that is to be made, or under way. */
  readonly attempt: number | null;
  readonly maxAttempts: number | null;
  /** How the attempt before failed, encoded. */
  readonly error: string | null;
  /** Of a run: its id or key. */
  readonly run: string | null;
}

/** Folds rows in order; see {@link openOperations}. */
export interface WaitsFold {
  add(row: Row): void;
  /** In the order of asking. */
  open(): OpenOperation[];
}

export function createWaitsFold(): WaitsFold {
  const open = new Map<string, OpenOperation>();
  return {
    add(row) {
      answer(open, row);
      for (const name of row.asks) ask(open, name, row);
    },
    open: () => [...open.values()],
  };
}

function answer(open: Map<string, OpenOperation>, { event, payload }: Row): void {
  if (!("op" in event)) return;
  const found = open.get(event.op);
  switch (event.type) {
    case "step_started":
    case "step_progress":
    case "hook_received":
    case "run_accepted":
      return;
    case "step_retrying":
      if (!found) return;
      open.set(event.op, {
        ...found,
        attempt: event.attempt + 1,
        until: event.dueAt,
        maxAttempts: event.maxAttempts ?? null,
        error: payload,
      });
      return;
    default:
      open.delete(event.op);
  }
}

const kinds = { step: "step", wait: "wait", hook: "hook", start: "run", await: "run" } as const;

function ask(open: Map<string, OpenOperation>, name: string, { event, details }: Row): void {
  const end = name.indexOf(" ");
  const [asked, op] = [name.slice(0, end), name.slice(end + 1)];
  if (asked === "cancel" || asked === "dispose") open.delete(op);
  if (!Object.hasOwn(kinds, asked)) return;
  const detail = details?.[op] ?? null;
  // A run that was started and is left to itself is nothing to wait for.
  if (asked === "start" && detail === null) return;
  const kind = kinds[asked as keyof typeof kinds];
  open.set(op, {
    kind,
    op,
    since: event.at,
    until: kind === "wait" && typeof detail === "number" ? detail : null,
    attempt: kind === "step" ? 1 : null,
    maxAttempts: null,
    error: null,
    run: kind === "run" ? String(detail ?? op) : null,
  });
}
