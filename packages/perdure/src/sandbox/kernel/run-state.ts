import type { EncodeOptions } from "../../codec/index.ts";
import { defaultMaxBytes } from "../../codec/size.ts";
import type { CancelledError } from "../../errors/cancelled-error.ts";
import { SmallMap } from "../../small-map.ts";
import { createRandom, type Random } from "./random.ts";

/** Settles the promise that workflow code holds for an operation. */
export interface Settler {
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** A part of a run that can be cancelled on its own; the run itself is the outermost. See `scopes.ts`. */
export interface Scope {
  readonly run: RunState;
  readonly parent: Scope | null;
  /** Cancelling what is around it leaves it alone. */
  readonly isShielded: boolean;
  /** The open scopes inside it. */
  inner: Set<Scope> | null;
  cancelled: CancelledError | null;
  /** Aborted when it or a scope around it is cancelled; made when somebody asks for its signal. */
  controller: AbortController | null;
}

/** A durable call that has no answer yet. */
export interface PendingCall extends Settler {
  readonly scope: Scope;
}

/** What arrived at a hook: a payload, or why it could not be read. */
export type Arrival = ArrivedPayload | { readonly error: Error };

export interface ArrivedPayload {
  readonly payload: unknown;
  /** The message to which a reply is awaited; empty if none is. */
  readonly request: string;
}

/** Who waits for a payload. */
export interface Taker extends PendingCall {
  /** Makes of it what the promise is resolved with. */
  readonly shape: (arrived: ArrivedPayload, run: RunState) => unknown;
}

/** A hook's side of the sandbox: what arrived and is not taken yet, and who waits. */
export interface HookQueue {
  readonly token: string;
  /** Makes a payload of what arrives, or throws. */
  readonly read: (text: string) => unknown;
  readonly arrived: Arrival[];
  waiting: Taker[];
  /** Why nothing more will arrive: the token is another's, or the hook was disposed of. */
  failure: Error | null;
  disposed: boolean;
}

/** Names that only the host can make; the same on every replay. */
export interface Sources {
  /** An unguessable token for an operation. */
  readonly tokenFor: (runId: string, op: string) => string;
  /** The id of a run that an operation starts. @param at the run's clock */
  readonly runIdFor: (runId: string, op: string, at: number) => string;
  /** Where the webhooks of a run are reached: a URL, or a path, without a slash at its end. */
  readonly addressOf: (runId: string) => string;
}

/** Another run whose end is awaited. */
export interface OtherRun {
  /** As it was asked for: its id or its key. */
  readonly id: string;
  /** The id that it has if this run started it, else empty. */
  readonly childId: string;
  /** Who waits to know whether it was started. */
  accept: { resolve(): void; reject(error: unknown): void } | null;
}

/** All that the kernel knows of one resident run. */
export interface RunState {
  readonly id: string;
  /** What people call it. */
  readonly name: string;
  readonly workflowId: string;
  /** How many bytes a value may take as stored. */
  readonly maxValueBytes: number;
  /** The clock of workflow code, ms since the epoch; moves only with delivered events. */
  now: number;
  startedAt: number;
  readonly seed: string;
  /** Made when it is first asked for; see `chanceOf`. */
  random: Random | null;
  /** How often each name was asked for: names and numbers in turn while there are few, then a table. */
  occurrences: (string | number)[] | Map<string, number>;
  /** Steps and waits without an answer, in the order of asking. */
  readonly calls: SmallMap<string, PendingCall>;
  readonly hooks: SmallMap<string, HookQueue>;
  /** Four strings per ask, see `index.ts`. */
  out: string[];
  /** While replaying: the calls that the history leaves without an answer. See `isOver`. Null when live. */
  unanswered: Set<string> | null;
  ended: boolean;
  /** Its `globalThis`, from its start on. */
  global: object | null;
  /** The outermost scope; made when the run has its place. */
  scope: Scope | null;
  /** What `setInterval` returned, and the operation of its next turn. */
  intervals: Map<string, string> | null;
  /** By the operations that await them; made when there is one. */
  others: Map<string, OtherRun> | null;
  /** The signals that it gave to steps. */
  signals: NumberedSignals | null;
  readonly sources: Sources;
}

/** Signals by which steps are told; numbers begin at 1. */
export interface NumberedSignals {
  readonly numbers: WeakMap<AbortSignal, number>;
  count: number;
}

/** Who a run is. */
export interface RunNames {
  readonly id: string;
  /** What people call it; its id if left out. */
  readonly name?: string;
  readonly workflowId: string;
  /** 32 hex digits. */
  readonly seed: string;
  /** How many bytes a value may take as stored; 8 MiB if left out. */
  readonly maxValueBytes?: number;
}

/** What is known of a run before its first event. */
export function createRunState({ id, name = id, workflowId, seed, maxValueBytes = defaultMaxBytes }: RunNames, sources: Sources): RunState {
  return {
    id,
    name,
    workflowId,
    maxValueBytes,
    now: 0,
    startedAt: 0,
    seed,
    random: null,
    occurrences: [],
    calls: new SmallMap(),
    hooks: new SmallMap(),
    out: [],
    unanswered: null,
    ended: false,
    global: null,
    scope: null,
    intervals: null,
    others: null,
    signals: null,
    sources,
  };
}

let active: RunState | null = null;
let find = (): RunState | null => active;

/** The run whose delivery is being evaluated. Everything that workflow code calls belongs to it. */
export function currentRun(): RunState {
  const run = find();
  if (!run) throw new Error("No workflow is running.");
  return run;
}

/** Null outside of a delivery, as when a module of the runtime itself is evaluated. */
export function currentRunOrNull(): RunState | null {
  return find();
}

/** For a place where deliveries are not evaluations of their own: says whose code is running. */
export function findCurrentRunBy(source: () => RunState | null): void {
  find = source;
}

export function setCurrentRun(run: RunState | null): void {
  active = run;
}

/** The run's chance. Few runs ask for it. */
export function chanceOf(run: RunState): Random {
  return (run.random ??= createRandom(run.seed));
}

/**
 * The next operation id for a name: the name and how often it was asked for in this run. It depends on nothing that other names draw from, so
 * inserting one call renames no other.
 */
export function nextOperation(run: RunState, name: string): string {
  return `${name}#${countUp(run, name)}`;
}

/** More names than this are a table's, which takes three times the memory of a short list. */
const mostInList = 8;

function countUp(run: RunState, name: string): number {
  const { occurrences } = run;
  if (occurrences instanceof Map) {
    const count = (occurrences.get(name) ?? 0) + 1;
    occurrences.set(name, count);
    return count;
  }
  for (let index = 0; index < occurrences.length; index += 2) {
    if (occurrences[index] === name) return (occurrences[index + 1] = Number(occurrences[index + 1]) + 1);
  }
  run.occurrences = occurrences.length < 2 * mostInList ? [...occurrences, name, 1] : tableOf([...occurrences, name, 1]);
  return 1;
}

function tableOf(list: readonly (string | number)[]): Map<string, number> {
  const table = new Map<string, number>();
  for (let index = 0; index < list.length; index += 2) table.set(String(list[index]), Number(list[index + 1]));
  return table;
}

/**
 * Whether the arguments of a call need not be encoded: the history that is being replayed answers it, and encoding them does nothing else. Getters, proxies and the methods
 * by which classes say how they are stored are the run's code, which a replay runs as often as the run did; and what is refused, by its kind or size, is refused again.
 */
export function isOver({ unanswered }: RunState, op: string, args: readonly unknown[]): boolean {
  return unanswered !== null && !unanswered.has(op) && args.length <= 8 && args.every(isSmall);
}

/** Eight of them are within any limit. */
function isSmall(value: unknown): boolean {
  return typeof value === "string" ? value.length <= 16 : value == null || typeof value === "number" || typeof value === "boolean";
}

/** How large a value of a run may be, and whose it is for the message. @param of what of the run's it is: `the step "charge" of `; empty for the run's own */
export function limitOf({ name, maxValueBytes }: RunState, of: string): EncodeOptions {
  return { maxBytes: maxValueBytes, of: `${of}run "${name}"` };
}
