import { expect, test } from "vitest";

import { advance, createMachine } from "../src/engine/machine.ts";
import type { Ask } from "../src/engine/event.ts";
import { noteOf } from "../src/worker/note.ts";

function noteAfter(...asks: Ask[]): string | null {
  const machine = createMachine();
  advance(machine, { type: "run_started", at: 0 }, asks, "");
  return noteOf(machine);
}

const wait = (n: number): Ask => ({ kind: "wait", op: `sleep#${n}`, dueAt: n * 1000 });
const hook: Ask = { kind: "hook", op: "hook#1", token: "approve-7", metadata: "" };

test("a note names what a run waits for, three at most, and says when it waits for nothing", () => {
  expect(noteAfter(wait(1))).toBe("waits for sleep until 1970-01-01T00:00:01.000Z");
  expect(noteAfter(hook, wait(2))).toBe("waits for hook approve-7, sleep until 1970-01-01T00:00:02.000Z");
  expect(noteAfter(hook, wait(1), wait(2), wait(3), wait(4))).toMatch(
    /^waits for hook approve-7, sleep until .*, sleep until \S+ and 2 more$/,
  );
  expect(noteAfter()).toContain("waits for nothing");
});

test("a run with an attempt to make has no note", () => {
  expect(noteAfter(hook, { kind: "step", op: "a#1", stepId: "a", input: "j[]", settings: null })).toBeNull();
});
