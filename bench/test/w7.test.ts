import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { World } from "@perdure/world";
import { expect, test } from "vitest";

import { judge } from "../src/w7/judge.ts";
import { countLines, createLedger, openLedger, readLedger, type LedgerLine } from "../src/w7/ledger.ts";

const killedAt = 1_000_000;
const scene = { killedAt, aheadMs: 0, victim: 1, steps: 2 };

interface StoredRun {
  readonly value: number;
  readonly events: readonly { readonly type: string; readonly op?: string; readonly at: number }[];
}

/** As much of a World as the verdict looks at. */
function worldOf(runs: Readonly<Record<string, StoredRun>>): World {
  const record = ([id, { value }]: [string, StoredRun]) => ({
    id,
    status: "completed",
    output: Buffer.from(`j${value}`),
    endedAt: killedAt + 500,
  });
  return {
    query: { runsById: async () => Object.entries(runs).map(record) },
    load: async (id: string) => ({
      rows: runs[id]?.events.map((event, index) => ({ seq: index + 1, data: Buffer.from(`${JSON.stringify(event)}\n`) })) ?? [],
    }),
  } as unknown as World;
}

const begun = { type: "run_started", at: killedAt - 30 };
const line = (pid: number, step: string, at: number): LedgerLine => ({ pid, at, step });

test("a step begun again counts by whether its outcome was committed before the kill", async () => {
  const events = [begun, { type: "step_completed", op: "a", at: killedAt - 10 }, { type: "step_completed", op: "b", at: killedAt + 90 }];
  const world = worldOf({ r: { value: 2, events } });
  const lines = [line(1, "r/a", killedAt - 20), line(1, "r/b", killedAt - 5), line(2, "r/b", killedAt + 80)];
  expect(await judge(world, ["r"], lines, scene)).toEqual({
    firstMs: 80,
    allDoneMs: 500,
    lost: 0,
    committedRepeated: 0,
    inFlightRepeated: 1,
  });
  const again = await judge(world, ["r"], [...lines, line(2, "r/a", killedAt + 70)], scene);
  expect(again).toMatchObject({ firstMs: 70, committedRepeated: 1, inFlightRepeated: 1 });
});

test("a run is lost that is missing, has another value, or not all of its history", async () => {
  const whole = [begun, { type: "step_completed", op: "a", at: 1 }, { type: "step_completed", op: "b", at: 2 }];
  const world = worldOf({
    whole: { value: 2, events: whole },
    short: { value: 2, events: whole.slice(1) },
    wrong: { value: 1, events: whole },
  });
  expect(await judge(world, ["whole", "short", "wrong", "missing"], [line(2, "whole/c", killedAt)], scene)).toMatchObject({ lost: 3 });
});

test("the ledger tells who began what", () => {
  const folder = mkdtempSync(join(tmpdir(), "perdure-ledger-"));
  const path = join(folder, "ledger");
  createLedger(path);
  expect(countLines(path)).toBe(0);
  const note = openLedger(path);
  note("run/step#1");
  note("run/a step with spaces#1");
  expect(countLines(path)).toBe(2);
  expect(readLedger(path).map(({ pid, step }) => [pid, step])).toEqual([
    [process.pid, "run/step#1"],
    [process.pid, "run/a step with spaces#1"],
  ]);
  rmSync(folder, { recursive: true, force: true });
});
