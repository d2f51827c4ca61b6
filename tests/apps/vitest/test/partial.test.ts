import { start } from "perdure/api";
import { expect, test, vi } from "vitest";
import { everything, fulfil } from "../src/order.ts";

vi.mock("../src/index.ts", async (importOriginal) => ({
  ...(await importOriginal<typeof import("../src/index.ts")>()),
  pay: vi.fn(async () => "mocked at the barrel"),
}));

test("a step can be mocked where a barrel exports it", async () => {
  const run = await start(everything, ["x"]);
  expect((await run.returnValue)[2]).toBe("mocked at the barrel");
});

test("the others are the real ones", async () => {
  expect(await (await start(fulfil, ["x"])).returnValue).toEqual(["mocked at the barrel", "x shipped"]);
});
