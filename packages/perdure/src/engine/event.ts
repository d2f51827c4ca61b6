import { append, none } from "../lists.ts";
import type { StartSettings } from "../start-options.ts";
import type { StepSettings } from "../step-options.ts";

/**
 * What can happen to a run. Each event is one row of its history, in the order in which the workflow's code saw them. `at` is the run's clock (ms
 * since the epoch, by the owner's clock, never going back): workflow code sees no other time.
 */
export type Event =
  | { readonly type: "run_started"; readonly at: number }
  /** An attempt that must be the only one may begin. Workflow code does not see it. */
  | { readonly type: "step_started"; readonly op: string; readonly attempt: number; readonly at: number }
  /**
   * An attempt under way reported its progress, which is the payload. Workflow code does not see it. `crashes`: how often the run had lost its worker without any other
   * row, if that was not long ago; none when left out.
   */
  | { readonly type: "step_progress"; readonly op: string; readonly attempt: number; readonly at: number; readonly crashes?: number }
  /** The row's payload is the result. `message`: what gave it, where no attempt was made for it: it is that of a row which was taken back. */
  | { readonly type: "step_completed"; readonly op: string; readonly attempt: number; readonly at: number; readonly message?: string }
  /** The last attempt failed; the row's payload is the error. */
  | { readonly type: "step_failed"; readonly op: string; readonly attempt: number; readonly at: number }
  /**
   * An attempt failed and the next may start at `dueAt`; the payload is the error. `progress`: what the attempt reported last, encoded, if no row has it yet. `maxAttempts`: how
   * many there may be, for whoever looks at the run; rows of former versions lack it. Workflow code does not see it.
   */
  | {
      readonly type: "step_retrying";
      readonly op: string;
      readonly attempt: number;
      readonly at: number;
      readonly dueAt: number;
      readonly maxAttempts?: number;
      readonly progress?: string;
    }
  | { readonly type: "wait_completed"; readonly op: string; readonly at: number }
  /**
   * Somebody asked for sleeps to end: the payload names one, or is undefined for all. `wait_completed` of those that are pending follow. Workflow code does
   * not see it.
   */
  | { readonly type: "wake_requested"; readonly at: number; readonly message: string }
  /** The payload is what was sent; `message` is its id. `asked`: the sender waits for a reply. */
  | { readonly type: "hook_received"; readonly op: string; readonly at: number; readonly message: string; readonly asked?: true }
  /** A step replied to `request`, a message. The row has no payload: the reply is published. Workflow code does not see it. */
  | { readonly type: "reply_given"; readonly at: number; readonly message: string; readonly request: string }
  /** A payload whose sender waits for a reply came to a hook that was gone by then. Workflow code does not see it. */
  | { readonly type: "request_refused"; readonly at: number; readonly message: string }
  /** The hook's token is held by another living hook. */
  | { readonly type: "hook_conflict"; readonly op: string; readonly at: number }
  /** A run that this one started, or awaits, has ended; the payload is its result or error. `message` is the id of what told so. */
  | { readonly type: "run_completed" | "run_failed" | "run_cancelled"; readonly op: string; readonly at: number; readonly message: string }
  /** There is no run to be awaited: none has the id, or the one that was to have it was not started. */
  | { readonly type: "run_missing"; readonly op: string; readonly at: number; readonly message: string }
  /** A run whose id had to be new was started. */
  | { readonly type: "run_accepted"; readonly op: string; readonly at: number }
  /** Somebody asked the run to end; the payload is the reason, `message` the id of what was sent; empty when the run's own deadline asked. */
  | { readonly type: "cancel_requested"; readonly at: number; readonly message: string }
  /** The runtime gave the run up; the payload is the error. Workflow code does not see it. */
  | { readonly type: "run_abandoned"; readonly at: number };

type Without<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

/** An event that has no time yet. */
export type UntimedEvent = Without<Event, "at">;

/** Whether an event has its time already: that of a beginning may be known from the run's record. */
export function isTimed(event: UntimedEvent): event is Event {
  return "at" in event;
}

/** Gives an event its time. The event is used up: it becomes the result. */
export function withTime(event: UntimedEvent, at: number): Event {
  return Object.assign(event, { at }) as Event;
}

const unseen: ReadonlySet<Event["type"]> = new Set([
  "step_progress",
  "step_retrying",
  "step_started",
  "wake_requested",
  "reply_given",
  "request_refused",
  "run_abandoned",
]);

/** True for the events that workflow code is told of. */
export function isDelivered(event: Event): boolean {
  return !unseen.has(event.type);
}

/** The message to which a reply is awaited; empty if none is. */
export function requestOf(event: Event): string {
  return event.type === "hook_received" && event.asked ? event.message : "";
}

/** What workflow code asks for while it runs after an event. `op` names the operation: what is called and how often it was before. */
export type Ask =
  | { readonly kind: "step"; readonly op: string; readonly stepId: string; readonly input: string; readonly settings: StepSettings | null }
  | { readonly kind: "wait"; readonly op: string; readonly dueAt: number }
  | { readonly kind: "hook"; readonly op: string; readonly token: string; readonly metadata: string }
  | { readonly kind: "dispose"; readonly op: string }
  /** The answer of a step, wait or run is not wanted any more: attempts under way are told so, others never begin; a run that this one started is asked to end. */
  | { readonly kind: "cancel"; readonly op: string; readonly child: CancelledChild | null }
  /** A run to start; `args` are encoded. */
  | { readonly kind: "start"; readonly op: string; readonly run: ChildRun; readonly args: string }
  /** To be told of the end of a run. */
  | { readonly kind: "await"; readonly op: string; readonly run: RunName }
  /** Another run, given by its id or key, is asked to end; `reason` is encoded. */
  | { readonly kind: "request"; readonly op: string; readonly run: string; readonly reason: string }
  /** A value for those who look at the run; `value` is encoded, empty to remove it. */
  | { readonly kind: "state"; readonly key: string; readonly value: string }
  /** The reply to a message; `value` is encoded, empty when there will be none. */
  | { readonly kind: "reply"; readonly message: string; readonly value: string }
  /** A chunk for a stream of the run; `data` as `sandbox/kernel/streams.ts` writes it, null for the stream's end. */
  | { readonly kind: "chunk"; readonly stream: string; readonly data: string | null }
  /**
   * A signal that workflow code gave to steps, by its number, is aborted; `reason` is encoded. Not recorded: it says nothing that a replay does not find out, for the
   * code aborts its signals again.
   */
  | { readonly kind: "signal"; readonly signal: number; readonly reason: string }
  /** `patched(name)` was answered with true, for the first time. Code that does not ask, or is told false, leaves no ask. */
  | { readonly kind: "patch"; readonly name: string }
  /** Changes of what the run can be found by, as JSON. */
  | { readonly kind: "attributes"; readonly changes: string }
  /** The workflow returned; `value` is the encoded result. */
  | { readonly kind: "completed"; readonly value: string }
  /** The workflow threw; `error` is the encoded error. */
  | { readonly kind: "failed"; readonly error: string }
  /** The workflow ended because of a request to; `error` is the encoded error that it threw. */
  | { readonly kind: "cancelled"; readonly error: string }
  /** The workflow goes on in a new run, with these encoded arguments. */
  | { readonly kind: "continued"; readonly runId: string; readonly args: string };

/** How a run is found: by the World's own id, or by the key that its start was given. */
export type RunName = { readonly id: string } | { readonly key: string };

/** What workflow code says of a run that it starts. */
export interface ChildRun extends StartSettings {
  readonly id: string;
  readonly workflowId: string;
}

/** A run that is asked to end because the call that started it was given up; `reason` is encoded. */
export interface CancelledChild {
  readonly id: string;
  readonly reason: string;
}

/** What people want to know of asks beside their names, by operation: when a wait is over (ms since the epoch), which run is awaited. A replay does not look at it. */
export type AskDetails = Readonly<Record<string, number | string>>;

/** Undefined when there is nothing to tell, as for steps. */
export function detailsOf(asks: readonly Ask[]): AskDetails | undefined {
  let details: Record<string, number | string> | undefined;
  for (const ask of asks) {
    if (ask.kind === "wait") (details ??= {})[ask.op] = ask.dueAt;
    else if (ask.kind === "start" && isWatched(ask.run)) (details ??= {})[ask.op] = ask.run.key ?? ask.run.id;
    else if (ask.kind === "await") (details ??= {})[ask.op] = "id" in ask.run ? ask.run.id : ask.run.key;
  }
  return details;
}

/** Whether the end of a run that this one starts is awaited from its start on. */
export function isWatched({ parentClosePolicy, ifExists }: ChildRun): boolean {
  return parentClosePolicy === "cancel" || ifExists === "fail";
}

/** Asks as a row records them, to check a replay by. */
export function namesOfAsks(asks: readonly Ask[]): readonly string[] {
  let names: readonly string[] = none;
  for (const ask of asks) if (ask.kind !== "signal") names = append(names, nameOfAsk(ask));
  return names;
}

/** Kind and operation. */
function nameOfAsk(ask: Ask): string {
  if ("op" in ask) return `${ask.kind} ${ask.op}`;
  if (ask.kind === "reply") return `reply ${ask.message}`;
  if (ask.kind === "patch") return `patch ${ask.name}`;
  if (ask.kind === "chunk") return `${ask.data === null ? "close" : "chunk"} ${ask.stream}`;
  return ask.kind === "state" ? `state ${ask.key}` : ask.kind;
}
