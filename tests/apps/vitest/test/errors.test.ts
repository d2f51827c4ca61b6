import { start } from "perdure/api";
import { expect, test } from "vitest";
import { waitsForATimer } from "../src/mistakes.ts";
import { fails } from "../src/order.ts";

test("an error names the line of the workflow", async () => {
  const run = await start(fails, ["abc"]);
  const error = await run.returnValue.catch((thrown: Error) => thrown.cause as Error);
  expect(error).toBeInstanceOf(RangeError);
  expect((error as Error).stack).toMatch(/src\/order\.ts:63:9/);
});

test("what workflow code cannot have says so", async () => {
  const run = await start(waitsForATimer, []);
  await expect(run.returnValue).rejects.toMatchObject({
    cause: { code: "NOT_AVAILABLE_IN_WORKFLOW", message: expect.stringContaining("setImmediate() is not available in workflow code") },
  });
});
