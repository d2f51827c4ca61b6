import { decode } from "../codec/index.ts";

/**
 * The signals that a run's code gave to its steps, by their numbers: which are aborted, by acknowledged turns, and the controllers of those that attempts have. An
 * attempt that begins after the abort gets a signal that is aborted already.
 */
export class RunSignals {
  readonly #reasons = new Map<number, string>();
  readonly #followers = new Map<number, Set<AbortController>>();

  /** A controller whose signal follows until it is closed. */
  open(number: number): AbortController {
    const controller = new AbortController();
    const reason = this.#reasons.get(number);
    if (reason !== undefined) {
      controller.abort(decode(reason));
      return controller;
    }
    const followers = this.#followers.get(number) ?? new Set();
    this.#followers.set(number, followers.add(controller));
    return controller;
  }

  /** Nobody looks at it any more. */
  close(number: number, controller: AbortController): void {
    const followers = this.#followers.get(number);
    if (followers?.delete(controller) && followers.size === 0) this.#followers.delete(number);
  }

  /** @param reason encoded; every attempt gets its own copy */
  abort(number: number, reason: string): void {
    this.#reasons.set(number, reason);
    const followers = this.#followers.get(number);
    this.#followers.delete(number);
    for (const controller of followers ?? []) controller.abort(decode(reason));
  }
}

/** Made when the first of its steps gets a signal, or the first that one got is aborted. */
export function signalsOf(run: { signals: RunSignals | null }): RunSignals {
  return (run.signals ??= new RunSignals());
}
