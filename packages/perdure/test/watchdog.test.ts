import inspector from "node:inspector";
import vm from "node:vm";
import { describe, expect, test } from "vitest";

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

describe.each([
  ["by a timer", (run: () => void) => run()],
  ["by a thread, as a debugger listens", withDebugger],
])("the watchdog %s", (_name, around) => {
  test.each(Object.entries(endless))("ends %s, and what comes after runs", (_kind, work) => {
    around(() => {
      const watchdog = createWatchdog();
      expect(watchdog.run(work, 30)).toBe(false);
      let ran = 0;
      expect(watchdog.run(() => ran++, 1000)).toBe(true);
      expect(ran).toBe(1);
    });
  });

  test("throws what the work throws, the very object, and is of use after it", () => {
    around(() => {
      const watchdog = createWatchdog();
      const error = new Error("mine");
      let thrown: unknown;
      try {
        watchdog.run(() => {
          throw error;
        }, 1000);
      } catch (caught) {
        thrown = caught;
      }
      expect(thrown).toBe(error);
      expect(watchdog.run(() => {}, 1000)).toBe(true);
    });
  });
});
