import { start } from "perdure/api";
import { getWorld } from "perdure/runtime";
import { expect, test, vi } from "vitest";
import { fails, fulfil } from "../src/order.ts";
import { priceOf, timesAsked } from "../src/prices.ts";
import * as steps from "../src/steps.ts";

vi.mock("../src/prices.ts", { spy: true });

test("a run has the code that production has: helpers are its own, steps are those of the process", async () => {
  const run = await start(fulfil, ["abc"]);
  expect(await run.returnValue).toEqual(["abc paid 300 EUR", "abc shipped"]);
  expect(priceOf).not.toHaveBeenCalled();
  expect(timesAsked()).toBe(0);
  expect((await (await getWorld()).query.run({ id: run.runId }))?.version).toMatch(/^[\da-f]{64}$/);
});

test("an error names the line of the workflow", async () => {
  const error = await (await start(fails, ["abc"])).returnValue.catch((thrown: Error) => thrown.cause as Error);
  expect((error as Error).stack).toContain("src/order.ts:63:9");
});

test("a step alone is a function, and can be spied on", async () => {
  vi.spyOn(steps, "charge").mockResolvedValue("spied");
  expect(await steps.charge("a", 1)).toBe("spied");
});
