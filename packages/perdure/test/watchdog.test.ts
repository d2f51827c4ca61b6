import inspector from "node:inspector";
import vm from "node:vm";
import { describe, expect, onTestFinished, test, vi } from "vitest";

import { createWatchdog } from "../src/sandbox/watchdog.ts";

const endless: Record<string, () => void> = {
  "a loop": () => {
    for (;;);
  },
  "microtasks of a context of its own": () => {
    const context = vm.createContext({}, { microtaskMode: "afterEvaluate" });
    vm.runInContext("(async () => { for (;;) await null; })()", context);
  },
  "a regular expression": () => void /^(a+)+$/.test(`${"a".repeat(60)}!`),
  "a loop that catches everything": () => {
    for (;;) {
      try {
        for (;;);
      } catch {
        // Nothing arrives here.
      } finally {
        // Nor here.
      }
    }
  },
};

/** Under a debugger that listens the watchdog keeps time by a thread. */
function withDebugger(run: () => void): void {
  inspector.open(0, "127.0.0.1");
  try {
    run();
  } finally {
    inspector.close();
  }
}

/** The evaluations that keep time by a thread: those of scripts. An inspector's session evaluates without one. */
function evaluationsByThread(): () => number {
  const spy = vi.spyOn(vm.Script.prototype, "runInThisContext");
  onTestFinished(() => spy.mockRestore());
  return () => spy.mock.calls.length;
}

describe.each([
  ["by a timer", false, (run: () => void) => run()],
  ["by a thread, as a debugger listens", true, withDebugger],
])("the watchdog %s", (_name, isByThread, around) => {
  test.each(Object.entries(endless))("ends %s, and what comes after runs", (_kind, work) => {
    const byThread = evaluationsByThread();
    around(() => {
      const watchdog = createWatchdog();
      expect(watchdog.run(work, 30)).toBe(false);
      let ran = 0;
      expect(watchdog.run(() => ran++, 20_000)).toBe(true);
      expect(ran).toBe(1);
    });
    expect(byThread()).toBe(isByThread ? 2 : 0);
  });

  test("throws what the work throws, the very object, and is of use after it", () => {
    around(() => {
      const watchdog = createWatchdog();
      const error = new Error("mine");
      let thrown: unknown;
      try {
        watchdog.run(() => {
          throw error;
        }, 20_000);
      } catch (caught) {
        thrown = caught;
      }
      expect(thrown).toBe(error);
      expect(watchdog.run(() => {}, 20_000)).toBe(true);
    });
  });
});
