import { start } from "perdure/api";
import { expect, test } from "vitest";
import { everything, fulfil, lookUp } from "../src/order.ts";
import { pools } from "../src/pool.ts";
import { timesAsked } from "../src/prices.ts";
import { charge } from "../src/steps.ts";

test("a step alone is a function", async () => {
  expect(await charge("a", 7)).toBe("a paid 7 EUR");
  expect(await lookUp("a")).toBe("result of a");
});

test("a workflow is not a function", async () => {
  await expect(fulfil("a")).rejects.toMatchObject({ code: "WORKFLOW_CALLED_DIRECTLY" });
});

test("a run uses the modules that the test has", async () => {
  const run = await start(fulfil, ["abc"]);
  expect(await run.returnValue).toEqual(["abc paid 300 EUR", "abc shipped"]);
  expect(timesAsked()).toBe(1);
  expect(pools).toBe(1);
});

test("steps go through history by whatever way workflow code gets at them", async () => {
  const run = await start(everything, ["x"]);
  expect(await run.returnValue).toEqual([
    "EUR",
    "x paid 1 EUR",
    "x paid 2 EUR",
    "checked out: x paid 3 EUR",
    "label of x",
    "result of x",
    "[x] done",
  ]);
  expect(await stepsOf(run.runId)).toEqual([
    "shop/src/steps.ts#charge#1",
    "shop/src/steps.ts#charge#2",
    "shop/src/steps.ts#charge#3",
    "shop/src/steps.ts#parcels.label#1",
    "shop/src/order.ts#lookUp#1",
    "shop/src/order.ts#everything/note#1",
  ]);
});

/** The operations that the history of a run has results of. */
async function stepsOf(runId: string): Promise<string[]> {
  const { getWorld } = await import("perdure/runtime");
  const { rows } = await (await getWorld()).load(runId);
  const events = rows.map(({ data }) => JSON.parse(Buffer.from(data).toString().split("\n")[0] ?? ""));
  return events.flatMap(({ type, op }: { type: string; op: string }) => (type === "step_completed" ? [op] : []));
}
