import { defineHandler, Event, EventTarget } from "./events.ts";

/** Opens the constructor. */
const key = Symbol("AbortSignal");
let make!: () => AbortSignal;
let abort!: (signal: AbortSignal, reason: unknown) => void;

/** Calls back after a while of the run's time. */
export type Schedule = (delayMs: number, callback: () => void) => void;

let schedule: Schedule = () => undefined;

/** Says what `AbortSignal.timeout` waits with. */
export function scheduleTimeoutsBy(next: Schedule): void {
  schedule = next;
}

/** `AbortSignal` of the DOM standard. */
export class AbortSignal extends EventTarget {
  #aborted = false;
  #reason: unknown = undefined;
  readonly #followers = new Set<AbortSignal>();
  #sources: ReadonlySet<AbortSignal> = new Set();

  static {
    make = () => new AbortSignal(key);
    abort = (signal, reason) => signal.#abort(reason);
  }

  /** Signals come from controllers and the static methods. */
  constructor(given?: symbol) {
    if (given !== key) throw new TypeError("Illegal constructor");
    super();
  }

  get aborted(): boolean {
    return this.#aborted;
  }

  get reason(): unknown {
    return this.#reason;
  }

  throwIfAborted(): void {
    if (this.#aborted) throw this.#reason;
  }

  static abort(reason: unknown = new DOMException("This operation was aborted", "AbortError")): AbortSignal {
    const signal = make();
    signal.#set(reason);
    return signal;
  }

  static any(signals: Iterable<AbortSignal>): AbortSignal {
    const given = [...signals];
    const signal = make();
    const aborted = given.find((source) => source.#aborted);
    if (aborted) {
      signal.#set(aborted.#reason);
      return signal;
    }
    signal.#sources = new Set(given.flatMap((source) => (source.#sources.size > 0 ? [...source.#sources] : [source])));
    for (const source of signal.#sources) source.#followers.add(signal);
    return signal;
  }

  static timeout(delayMs: number): AbortSignal {
    const signal = make();
    schedule(Number(delayMs), () => signal.#abort(new DOMException("The operation was aborted due to timeout", "TimeoutError")));
    return signal;
  }

  #set(reason: unknown): void {
    this.#aborted = true;
    this.#reason = reason;
  }

  /** All signals change before the first listener is told. */
  #abort(reason: unknown): void {
    if (this.#aborted) return;
    this.#set(reason);
    const followers = [...this.#followers].filter((follower) => !follower.#aborted);
    for (const follower of followers) follower.#set(reason);
    for (const signal of [this, ...followers]) signal.dispatchEvent(new Event("abort"));
  }
}
Object.defineProperty(AbortSignal.prototype, Symbol.toStringTag, { value: "AbortSignal", configurable: true });
defineHandler(AbortSignal.prototype, "abort");

/** `AbortController` of the DOM standard. */
export class AbortController {
  readonly #signal = make();

  get signal(): AbortSignal {
    return this.#signal;
  }

  abort(reason: unknown = new DOMException("This operation was aborted", "AbortError")): void {
    abort(this.#signal, reason);
  }
}
Object.defineProperty(AbortController.prototype, Symbol.toStringTag, { value: "AbortController", configurable: true });
