import { readFileSync } from "node:fs";

import { createMemoryWorld } from "@perdure/world/memory";
import { expect, test } from "vitest";

import { benchmarks } from "../catalogue.mjs";
import { growthOf, takeCensus } from "../src/memory/snapshot.ts";
import { rowBytes, shapes } from "../src/replay/shapes.ts";
import { createStopwatch } from "../src/replay/stopwatch.ts";

test("the README tells of every benchmark", () => {
  const text = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  for (const name of Object.keys(benchmarks)) expect(text).toContain(`| \`${name}\` |`);
});

test("a census finds what there is more of, by constructor", async () => {
  class Waiting {
    readonly since = new Date(0);
  }
  const before = await takeCensus();
  const held = Array.from({ length: 5000 }, () => new Waiting());
  const after = await takeCensus();
  const lines = growthOf(before, after, held.length);
  expect(lines.find((line) => line.includes("object Waiting"))).toMatch(/ 1\.00 × /);
  expect(lines.find((line) => line.includes("object Date"))).toMatch(/ 1\.00 × /);
});

test("histories of all shapes are as long as was asked for, and a message answers each question of the last row", () => {
  for (const shape of shapes) {
    const rows = shape.rows(40, { step: "s", token: "t", width: 10, at: 5 });
    expect(rows).toHaveLength(41);
    const asked = rows.flatMap(({ event }) => (event["asks"] as string[] | undefined) ?? []);
    const answered = rows.flatMap(({ event }) => (event["type"] === "step_completed" ? [`step ${String(event["op"])}`] : []));
    expect(asked.filter((ask) => !answered.includes(ask))).toEqual(["hook hook#1"]);
    expect(asked).toHaveLength(answered.length + 1);
    expect(Buffer.from(rowBytes(rows[0]!)).toString()).toMatch(/^\{"type":"run_started","at":5,"asks":\[.*\]\}\n$/);
  }
});

test("the stopwatch goes from a claim to the run's next commit, and knows how long the history took to read", async () => {
  const world = createMemoryWorld();
  const slow = createStopwatch({
    ...world,
    async load(runId, options) {
      await new Promise((resolve) => setTimeout(resolve, 30));
      return world.load(runId, options);
    },
  });
  await world.setup();
  const id = "00000000-0000-7000-8000-000000000001";
  await world.createRuns([{ id, key: null, workflowId: "w", version: "0", input: new Uint8Array(), dueAt: null }]);
  const measured = slow.next(id);
  await slow.world.claim({ worker: "a", limit: 1, leaseMs: 1000 });
  await slow.world.load(id);
  await slow.world.commit([{ runId: id, fence: 1, worker: "a", base: 0, rows: [new Uint8Array(1)] }]);
  const { totalMs, loadMs } = await measured;
  expect(loadMs).toBeGreaterThan(0);
  expect(totalMs).toBeGreaterThanOrEqual(loadMs);
  expect((await world.load(id)).rows).toHaveLength(1);
});
