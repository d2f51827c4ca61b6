import inspector from "node:inspector";
import vm from "node:vm";
import { describe, expect, onTestFinished, test, vi } from "vitest";

import { createWatchdog, type Watchdog } from "../src/sandbox/watchdog.ts";

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

/** What a process finds that has not tried the inspector yet. */
async function firstWatchdog(): Promise<Watchdog> {
  vi.resetModules();
  const fresh = await import("../src/sandbox/watchdog.ts");
  return fresh.createWatchdog();
}

describe("the inspector's timer is kept to", () => {
  test("by a process that is given so little time that the try-out is ended before it begins", async () => {
    const post = vi.spyOn(inspector.Session.prototype, "post").mockImplementationOnce(() => {});
    onTestFinished(() => post.mockRestore());
    const watchdog = await firstWatchdog();
    expect(post.mock.calls.length).toBeGreaterThan(1);
    const byThread = evaluationsByThread();
    expect(watchdog.run(endless["a loop"]!, 30)).toBe(false);
    expect(byThread()).toBe(0);
  });

  test("by a process that is stopped during the try-out", async () => {
    let now = 0;
    const clock = vi.spyOn(performance, "now").mockImplementation(() => (now += 60_000));
    onTestFinished(() => clock.mockRestore());
    const watchdog = await firstWatchdog();
    expect(clock.mock.calls.length).toBeGreaterThan(1);
    const byThread = evaluationsByThread();
    expect(watchdog.run(endless["a loop"]!, 30)).toBe(false);
    expect(byThread()).toBe(0);
  });
});

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

  test("makes an evaluation again that is ended before it begins, and gives up where none begins", () => {
    around(() => {
      const watchdog = createWatchdog();
      const evaluation = isByThread ? vi.spyOn(vm.Script.prototype, "runInThisContext") : vi.spyOn(inspector.Session.prototype, "post");
      onTestFinished(() => evaluation.mockRestore());
      const ended = (): void => {
        if (isByThread) throw new Error("ended");
      };
      let runs = 0;
      evaluation.mockImplementationOnce(ended);
      expect(watchdog.run(() => runs++, 20_000)).toBe(true);
      expect(runs).toBe(1);
      evaluation.mockImplementation(ended);
      expect(() => watchdog.run(() => runs++, 20_000)).toThrow(isByThread ? "ended" : "did not begin");
      expect(runs).toBe(1);
    });
  });
});
