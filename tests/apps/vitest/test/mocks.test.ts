import { setTimeout as delay } from "node:timers/promises";
import { start } from "perdure/api";
import { afterEach, expect, test, vi } from "vitest";
import { waitsForAHelper } from "../src/mistakes.ts";
import * as order from "../src/order.ts";
import { priceOf } from "../src/prices.ts";
import * as steps from "../src/steps.ts";

vi.mock("../src/prices.ts");

afterEach(() => vi.restoreAllMocks());

test("a mocked helper is what workflow code calls", async () => {
  vi.mocked(priceOf).mockReturnValue(42);
  const run = await start(order.fulfil, ["abc"]);
  expect(await run.returnValue).toEqual(["abc paid 42 EUR", "abc shipped"]);
  expect(priceOf).toHaveBeenCalledExactlyOnceWith("abc");
});

test("a spy on a step is what its attempts call, once per attempt, whoever called the step", async () => {
  vi.mocked(priceOf).mockReturnValue(1);
  const charge = vi.spyOn(steps, "charge");
  const lookUp = vi.spyOn(order, "lookUp").mockResolvedValue("looked up");
  const run = await start(order.everything, ["x"]);
  expect(await run.returnValue).toMatchObject({ 1: "x paid 1 EUR", 2: "x paid 2 EUR", 3: "checked out: x paid 3 EUR", 5: "looked up" });
  expect(charge.mock.calls).toEqual([
    ["x", 1],
    ["x", 2],
    ["x", 3],
  ]);
  expect(lookUp).toHaveBeenCalledOnce();
});

test("a mock of a step that fails once is tried again", async () => {
  const charge = vi.spyOn(steps, "charge").mockRejectedValueOnce(new Error("busy")).mockResolvedValueOnce("declined");
  const run = await start(order.fulfil, ["abc"]);
  expect(await run.returnValue).toEqual(["nothing"]);
  expect(charge).toHaveBeenCalledTimes(2);
});

test("a mock that takes time is found out", async () => {
  vi.mocked(priceOf).mockImplementation((() => delay(20, 5)) as never);
  const run = await start(waitsForAHelper, []);
  await expect(run.returnValue).rejects.toMatchObject({
    cause: { code: "NOT_AVAILABLE_IN_WORKFLOW", message: expect.stringContaining("neither a step nor a sleep nor a hook") },
  });
});
