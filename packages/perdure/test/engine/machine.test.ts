import { describe, expect, test } from "vitest";

import { commandsOf, dueAtOf } from "../../src/engine/commands.ts";
import type { Ask, Event } from "../../src/engine/event.ts";
import { advance, compareAsks, createMachine, type Machine } from "../../src/engine/machine.ts";
import { decodeRow, encodeRow } from "../../src/engine/row.ts";
import { find } from "../../src/few.ts";

/** One row of a history: what happened and what the workflow asked for on it. */
type Line = readonly [event: Event, asks?: readonly Ask[], payload?: string];

const step = (op: string): Ask => ({ kind: "step", op, stepId: op.split("#")[0] ?? op, input: "j[]", settings: null });
const wait = (op: string, dueAt: number): Ask => ({ kind: "wait", op, dueAt });
const hook = (op: string): Ask => ({ kind: "hook", op, token: `token of ${op}`, metadata: "" });
const started: Event = { type: "run_started", at: 100 };
const completed = (op: string, at: number): Event => ({ type: "step_completed", op, attempt: 1, at });

function fold(lines: readonly Line[]): Machine {
  const machine = createMachine();
  for (const [event, asks = [], payload = ""] of lines) advance(machine, event, asks, payload);
  return machine;
}

/** History in, commands out: `step op@attempt`, `wait op`, `hook op`, and when the run next needs a worker. */
const table: readonly [name: string, history: readonly Line[], commands: readonly string[], dueAt: number | null][] = [
  ["a run that has not started has nothing to do", [], [], null],
  ["a step that was asked for is due at once", [[started, [step("a#1")]]], ["step a#1@1"], 100],
  [
    "an answered step is done with",
    [
      [started, [step("a#1")]],
      [completed("a#1", 200), [step("b#1")]],
    ],
    ["step b#1@1"],
    200,
  ],
  [
    "progress changes neither the attempt nor when it is due",
    [
      [started, [step("a#1")]],
      [{ type: "step_progress", op: "a#1", attempt: 1, at: 200 }, [], "j5"],
    ],
    ["step a#1@1"],
    200,
  ],
  [
    "a request to wake up alone ends no wait",
    [[started, [wait("sleep#1", 900)]], [{ type: "wake_requested", at: 200, message: "m" }]],
    ["wait sleep#1"],
    900,
  ],
  [
    "commands keep the order of asking",
    [[started, [wait("sleep#1", 500), step("a#1"), hook("hook#1")]]],
    ["step a#1@1", "wait sleep#1", "hook hook#1"],
    100,
  ],
  [
    "a run that only sleeps is due at its earliest wait",
    [[started, [wait("sleep#1", 900), wait("sleep#2", 500)]]],
    ["wait sleep#1", "wait sleep#2"],
    500,
  ],
  [
    "a wait that is over is done with",
    [[started, [wait("sleep#1", 900), wait("sleep#2", 500)]], [{ type: "wait_completed", op: "sleep#2", at: 500 }]],
    ["wait sleep#1"],
    900,
  ],
  ["a run that only waits for a hook is never due", [[started, [hook("hook#1")]]], ["hook hook#1"], null],
  [
    "a hook stays open after a payload",
    [[started, [hook("hook#1")]], [{ type: "hook_received", op: "hook#1", at: 300, message: "m" }]],
    ["hook hook#1"],
    null,
  ],
  ["a hook that was disposed of is closed", [[started, [hook("hook#1"), { kind: "dispose", op: "hook#1" }]]], [], null],
  ["a hook whose token was taken is closed", [[started, [hook("hook#1")]], [{ type: "hook_conflict", op: "hook#1", at: 300 }]], [], null],
  [
    "a retry is due at its time, with the next attempt",
    [[started, [step("a#1")]], [{ type: "step_retrying", op: "a#1", attempt: 1, at: 200, dueAt: 700 }]],
    ["step a#1@2"],
    700,
  ],
  [
    "a step beside a retry keeps the run due at once",
    [[started, [step("a#1"), step("b#1")]], [{ type: "step_retrying", op: "a#1", attempt: 1, at: 200, dueAt: 700 }]],
    ["step a#1@2", "step b#1@1"],
    200,
  ],
  ["a run that has returned has nothing to do", [[started, [step("a#1"), { kind: "completed", value: "j1" }]]], [], 100],
  [
    "a run that was given up has nothing to do",
    [
      [started, [step("a#1")]],
      [{ type: "run_abandoned", at: 200 }, [], "jnull"],
    ],
    [],
    200,
  ],
];

describe("history in, commands out", () => {
  test.each(table)("%s", (_name, history, commands, dueAt) => {
    const machine = fold(history);
    const { steps, waits, hooks } = commandsOf(machine);
    expect([
      ...steps.map(({ op, attempt }) => `step ${op}@${attempt}`),
      ...waits.map(({ op }) => `wait ${op}`),
      ...hooks.map(({ op }) => `hook ${op}`),
    ]).toEqual(commands);
    if (!machine.outcome) expect(dueAtOf(machine)).toBe(dueAt);
    expect(machine.length).toBe(history.length);
  });
});

describe("a history that cannot be", () => {
  test.each<[name: string, history: readonly Line[]]>([
    ["an answer to a step that was not asked for", [[started], [completed("a#1", 200)]]],
    ["a second answer to a step", [[started, [step("a#1")]], [completed("a#1", 200)], [completed("a#1", 300)]]],
    ["a wait that answers a step", [[started, [step("a#1")]], [{ type: "wait_completed", op: "a#1", at: 200 }]]],
    [
      "a payload for a hook that is closed",
      [[started, [hook("h#1"), { kind: "dispose", op: "h#1" }]], [{ type: "hook_received", op: "h#1", at: 200, message: "m" }]],
    ],
    ["a second start", [[started], [started]]],
    ["an event after the end", [[started, [step("a#1"), { kind: "completed", value: "j1" }]], [completed("a#1", 200)]]],
  ])("is a divergence: %s", (_name, history) => {
    expect(() => fold(history)).toThrow(
      expect.objectContaining({ recorded: expect.any(String) as string, actual: expect.any(String) as string }),
    );
  });
});

test("the run's clock never goes back", () => {
  expect(fold([[started, [step("a#1")]], [completed("a#1", 50)]]).now).toBe(100);
});

test("asks of another order, number or name are a divergence, the first difference of which is told", () => {
  expect(compareAsks(["step a#1", "step b#1"], ["step a#1", "step b#1"])).toBeNull();
  expect(compareAsks(["step a#1", "step b#1"], ["step b#1", "step a#1"])).toMatchObject({ recorded: "step a#1", actual: "step b#1" });
  expect(compareAsks(["step a#1"], [])).toMatchObject({ recorded: "step a#1", actual: "nothing more" });
  expect(compareAsks([], ["wait sleep#1"])).toMatchObject({ recorded: "nothing more", actual: "wait sleep#1" });
});

test("a row comes back as it was written, whatever its payload holds", () => {
  const row = { event: completed("a#1", 5), asks: ["step b#1"], payload: 'j{"text":"a\nb"}\n\n' };
  expect(decodeRow(encodeRow(row))).toEqual(row);
  expect(decodeRow(encodeRow({ ...row, asks: [] }))).toEqual({ ...row, asks: [] });
  expect(() => decodeRow("{}")).toThrow("no payload line");
});

test("a step keeps the last progress that a row holds, through retries, until it is answered", () => {
  const progressOf = (lines: readonly Line[]): unknown => {
    const operation = find(fold(lines).pending, "a#1");
    return operation?.kind === "step" ? operation.progress : undefined;
  };
  const lines: Line[] = [[started, [step("a#1")]]];
  const add = (line: Line): unknown => progressOf((lines.push(line), lines));
  expect(progressOf(lines)).toBeNull();
  expect(add([{ type: "step_progress", op: "a#1", attempt: 1, at: 200 }, [], "j1"])).toBe("j1");
  expect(add([{ type: "step_retrying", op: "a#1", attempt: 1, at: 300, dueAt: 400 }, [], "p"])).toBe("j1");
  expect(add([{ type: "step_retrying", op: "a#1", attempt: 2, at: 300, dueAt: 400, progress: "j2" }, [], "p"])).toBe("j2");
  expect(add([completed("a#1", 500)])).toBeUndefined();
  expect(() => fold([...lines, [{ type: "step_progress", op: "a#1", attempt: 3, at: 600 }]])).toThrow("was not asked for");
});
