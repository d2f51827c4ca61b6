import { without } from "../few.ts";
import type { Core } from "./core.ts";
import type { Resident } from "./resident.ts";
import { Timer } from "./timers.ts";

/** What is to happen to a run at a time. @param op the operation that the time belongs to */
export type TimedAction = (core: Core, resident: Resident, op: string) => void;

/** A time of a run in memory. It takes itself off the run's list as it fires. */
export class RunTimer extends Timer {
  readonly op: string;
  readonly #core: Core;
  readonly #resident: Resident;
  readonly #action: TimedAction;

  constructor(core: Core, resident: Resident, at: number, op: string, action: TimedAction) {
    super(at);
    this.op = op;
    this.#core = core;
    this.#resident = resident;
    this.#action = action;
  }

  fire(): void {
    const resident = this.#resident;
    resident.timers = without(resident.timers, this.op);
    this.#action(this.#core, resident, this.op);
  }
}
