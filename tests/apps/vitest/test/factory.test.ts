import { start } from "perdure/api";
import { expect, test, vi } from "vitest";
import { everything, fulfil } from "../src/order.ts";

const { charge } = vi.hoisted(() => ({ charge: vi.fn(async (order: string, cents: number) => `mock of ${order} ${cents}`) }));

vi.mock("../src/steps.ts", () => ({
  currency: "USD",
  charge,
  parcels: { label: async () => "mocked label" },
}));

test("a module of steps that is a mock from beginning to end takes the place of the steps", async () => {
  const run = await start(everything, ["x"]);
  expect((await run.returnValue).slice(0, 5)).toEqual(["USD", "mock of x 1", "mock of x 2", "checked out: mock of x 3", "mocked label"]);
  expect(charge).toHaveBeenCalledTimes(3);
});

test("a mock that lacks the step says so", async () => {
  const run = await start(fulfil, ["abc"]);
  await expect(run.returnValue).rejects.toMatchObject({
    cause: {
      code: "INVALID_ARGUMENT",
      message: expect.stringMatching(/shop\/src\/steps\.ts#ship.*the export "ship" of .*src\/steps\.ts is missing/),
    },
  });
});
