/**
 * Globals that are the run's in workflow code and the process's everywhere else. Each becomes an accessor, so that what a test puts in its place
 * (fake timers do) is in force outside of workflows only: workflow code sees the run's time, whose events take theirs from the clock of the test.
 */
import { createDate, createPerformance } from "../kernel/clock.ts";
import { createConsole } from "../kernel/console.ts";
import { createCrypto } from "../kernel/crypto.ts";
import { nextDouble } from "../kernel/random.ts";
import { createRefusals } from "../kernel/refusals.ts";
import { durableTimers } from "../kernel/timers.ts";
import { chanceOf, currentRunOrNull } from "../kernel/run-state.ts";
import { isInWorkflow } from "./scope.ts";

const ofRuns: Readonly<Record<string, unknown>> = {
  Date: createDate(),
  performance: createPerformance(),
  crypto: createCrypto(),
  console: createConsole(),
  ...createRefusals(),
  ...durableTimers,
};

const accessors = new WeakSet<object>();
let isMathInstalled = false;

/** To be called before workflow code runs. Idempotent; puts back what a test took away. */
export function installRunGlobals(): void {
  for (const [name, value] of Object.entries(ofRuns)) divide(name, value);
  if (isMathInstalled) return;
  isMathInstalled = true;
  const random = Math.random;
  Math.random = () => {
    const run = currentRunOrNull();
    return run ? nextDouble(chanceOf(run)) : random();
  };
}

function divide(name: string, ofRun: unknown): void {
  const property = Object.getOwnPropertyDescriptor(globalThis, name);
  if (property?.get && accessors.has(property.get)) return;
  let outside = (globalThis as Record<string, unknown>)[name];
  const get = (): unknown => (isInWorkflow() ? ofRun : outside);
  accessors.add(get);
  Object.defineProperty(globalThis, name, {
    configurable: true,
    enumerable: property?.enumerable ?? false,
    get,
    set(value: unknown) {
      outside = value;
    },
  });
}
