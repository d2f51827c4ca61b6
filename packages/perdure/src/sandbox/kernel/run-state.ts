import type { EncodeOptions } from "../../codec/index.ts";
import type { CancelledError } from "../../errors/cancelled-error.ts";
import type { Few } from "../../few.ts";
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
  readonly op: string;
  /** Null: the run's own. */
  readonly scope: Scope | null;
}

/** What arrived at a hook: a payload, or why it could not be read. */
export type Arrival = ArrivedPayload | { readonly error: Error };

export interface ArrivedPayload {
  readonly payload: unknown;
  /** The message to which a reply is awaited; empty if none is. */
  readonly request: string;
}

/** Who waits for a payload. */
export interface Taker extends Settler {
  /** Null: the run's own. */
  readonly scope: Scope | null;
  /** Makes of it what the promise is resolved with. */
  readonly shape: (arrived: ArrivedPayload, run: RunState) => unknown;
  /** Who gets the payload after this one's. */
  next: Taker | null;
}

/** A hook's side of the sandbox: what arrived and is not taken yet, and who waits. */
export interface HookQueue {
  readonly op: string;
  readonly token: string;
  /** Makes a payload of what arrives, or throws. */
  readonly read: (text: string) => unknown;
  /** Null: nothing. */
  arrived: Arrival[] | null;
  /** The first who waits. */
  waiting: Taker | null;
  /** Why nothing more will arrive: the token is another's, or the hook was disposed of. */
  failure: Error | null;
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

/** What few runs have. */
interface Extras {
  /** Made when it is first asked for; see `chanceOf`. */
  random: Random | null;
  /** What `setInterval` returned, and the operation of its next turn. */
  intervals: Map<string, string> | null;
  /** Other runs, by the operations that await them. */
  others: Map<string, OtherRun> | null;
  /** The signals that it gave to steps. */
  signals: NumberedSignals | null;
  /** The outermost scope; made when somebody looks at it. */
  scope: Scope | null;
  /** While replaying: the calls that the history leaves without an answer, see `isOver`, and the asks `patch …` that it has. Null when live. */
  unanswered: ReadonlySet<string> | null;
  /** What `patched()` has answered. */
  patches: Map<string, boolean> | null;
}

/** What runs of the same code have in common: one record for all of them. */
export interface Terms {
  readonly workflowId: string;
  /** How many bytes a value may take as stored. */
  readonly maxValueBytes: number;
  readonly sources: Sources;
}

/** All that the kernel knows of one resident run. There may be many thousands that wait: what is not there takes no room. */
export class RunState<T extends Terms = Terms> {
  readonly id: string;
  /** What people call it. */
  readonly name: string;
  /** 32 hex digits, for its chance. */
  seed: string;
  readonly terms: T;
  /** ms since the epoch; -1 before the first event. */
  startedAt = -1;
  /** How often each name was asked for: names and numbers in turn while there are few, then a table. */
  occurrences: readonly (string | number)[] | Map<string, number> = none;
  /** Steps, waits and other runs without an answer, in the order of asking. */
  calls: Few<PendingCall> = null;
  hooks: Few<HookQueue> = null;
  ended = false;
  /** Its `globalThis`, from its start on. */
  global: object | null = null;
  /** Whole ms since its start: for 24 days small enough not to be an object of its own. */
  #age = 0;
  #asked: string[] | null = null;
  #extras: Extras | null = null;

  constructor({ id, name = id, seed }: RunNames, terms: T) {
    this.id = id;
    this.name = name;
    this.seed = seed;
    this.terms = terms;
  }

  /** From here on its chance is another one. */
  reseed(seed: string): void {
    this.seed = seed;
    if (this.#extras) this.#extras.random = null;
  }

  /** The clock of workflow code, ms since the epoch; moves only with delivered events. 0 before the first one. */
  get now(): number {
    return this.startedAt < 0 ? 0 : this.startedAt + this.#age;
  }

  /** An event has come. The clock never goes back. */
  moveTo(at: number): void {
    if (this.startedAt < 0) this.startedAt = at;
    else this.#age = Math.max(this.#age, Math.floor(at - this.startedAt));
  }

  /** See `isOver`. */
  set unanswered(ops: ReadonlySet<string> | null) {
    if (ops !== null || this.#extras) this.extras.unanswered = ops;
  }

  /** What it asked for: four strings per ask, see `index.ts`. */
  get out(): string[] {
    return (this.#asked ??= []);
  }

  set out(list: string[] | null) {
    this.#asked = list;
  }

  /** What few runs have, if it has any of it. */
  get known(): Readonly<Extras> | null {
    return this.#extras;
  }

  /** What few runs have, to be added to. */
  get extras(): Extras {
    return (this.#extras ??= { random: null, intervals: null, others: null, signals: null, scope: null, unanswered: null, patches: null });
  }
}

const none: readonly never[] = Object.freeze([]);

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
  /** 32 hex digits. */
  readonly seed: string;
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
  return (run.extras.random ??= createRandom(run.seed));
}

/**
 * The next operation id for a name: the name and how often it was asked for in this run. It depends on nothing that other names draw from, so
 * inserting one call renames no other.
 */
export function nextOperation(run: RunState, name: string): string {
  return operationOf(name, countUp(run, name));
}

/** Operations of names that many runs use, so that they share the texts: by the name, those of its first occurrences. */
const shared = new Map<string, string[]>();
const mostShared = 1000;
const mostOccurrences = 16;

function operationOf(name: string, count: number): string {
  if (count > mostOccurrences) return `${name}#${count}`;
  let operations = shared.get(name);
  if (!operations) {
    // Names with the ids of runs in them may be any number.
    if (shared.size >= mostShared) shared.clear();
    shared.set(name, (operations = []));
  }
  return (operations[count - 1] ??= `${name}#${count}`);
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
    if (occurrences[index] === name) return ((occurrences as (string | number)[])[index + 1] = Number(occurrences[index + 1]) + 1);
  }
  // (`concat` makes room for what there is; a spread for sixteen more.)
  const more = (occurrences as (string | number)[]).concat(name, 1);
  run.occurrences = more.length <= 2 * mostInList ? more : tableOf(more);
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
export function isOver({ known }: RunState, op: string, args: readonly unknown[]): boolean {
  const unanswered = known?.unanswered ?? null;
  return unanswered !== null && !unanswered.has(op) && args.length <= 8 && args.every(isSmall);
}

/** Eight of them are within any limit. */
function isSmall(value: unknown): boolean {
  return typeof value === "string" ? value.length <= 16 : value == null || typeof value === "number" || typeof value === "boolean";
}

/** How large a value of a run may be, and whose it is for the message. @param of what of the run's it is: `the step "charge" of `; empty for the run's own */
export function limitOf({ name, terms }: RunState, of: string): EncodeOptions {
  return { maxBytes: terms.maxValueBytes, of: `${of}run "${name}"` };
}
