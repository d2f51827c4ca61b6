import { expect, test } from "vitest";

import { encodeThrown } from "../src/codec/index.ts";
import { advance, createMachine } from "../src/engine/machine.ts";
import type { Ask, Event } from "../src/engine/event.ts";
import { noteOf } from "../src/worker/note.ts";

function noteAfter(asks: readonly Ask[], ...events: readonly (readonly [Event, string])[]): string | null {
  const machine = createMachine();
  advance(machine, { type: "run_started", at: 500 }, asks, "");
  for (const [event, payload] of events) advance(machine, event, [], payload);
  return noteOf(machine);
}

const wait = (n: number): Ask => ({ kind: "wait", op: `sleep#${n}`, dueAt: n * 1000 });
const hook: Ask = { kind: "hook", op: "hook#1", token: "approve-7", metadata: "" };
const step: Ask = { kind: "step", op: "shop/o.ts#charge#1", stepId: "shop/o.ts#charge", input: "j[]", settings: null };

test("a note says what a run waits for and since when, names three at most, and says when it waits for nothing", () => {
  expect(noteAfter([wait(1)])).toBe("sleeps until 1970-01-01T00:00:01.000Z");
  expect(noteAfter([hook, wait(2)])).toBe("waits for hook approve-7 since 1970-01-01T00:00:00.500Z; sleeps until 1970-01-01T00:00:02.000Z");
  expect(noteAfter([hook, wait(1), wait(2), wait(3), wait(4)])).toMatch(
    /^waits for hook approve-7 since \S+; sleeps until \S+; sleeps until \S+; and 2 more$/,
  );
  expect(noteAfter([{ kind: "await", op: "await other#1", run: { key: "other" } }])).toBe(
    "waits for run other since 1970-01-01T00:00:00.500Z",
  );
  expect(noteAfter([])).toContain("waits for nothing");
});

test("a note says which attempt comes, of how many, and why the one before failed, in one line", () => {
  const retrying: Event = { type: "step_retrying", op: "shop/o.ts#charge#1", attempt: 3, at: 600, dueAt: 9000, maxAttempts: 5 };
  const error = encodeThrown(new RangeError("declined\n  by the bank"));
  expect(noteAfter([step], [retrying, error])).toBe(
    "attempt 4 of 5 of charge at 1970-01-01T00:00:09.000Z: RangeError: declined by the bank",
  );
});

test("a run with an attempt to make has no note", () => {
  expect(noteAfter([hook, step])).toBeNull();
});
