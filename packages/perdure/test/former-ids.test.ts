import { expect, test } from "vitest";
import { step, workflow } from "../src/internal.ts";
import { findBundle, findStep } from "../src/registry.ts";

test("a step is found under its former ids, unless another step has one of them", () => {
  const charge = step("new.ts#charge", async () => 1, "charge", ["old.ts#charge", "taken.ts#charge"]);
  const other = step("taken.ts#charge", async () => 2, "charge");
  expect(findStep("old.ts#charge")?.target).toBe(charge);
  expect(findStep("new.ts#charge")?.target).toBe(charge);
  expect(findStep("taken.ts#charge")?.target).toBe(other);
  expect(findStep("gone.ts#charge")).toBeUndefined();
});

test("the code of a workflow is found under its former ids", () => {
  const bundle = { version: "1", code: "", map: "" };
  workflow("new.ts#fulfil", async () => {}, "fulfil", bundle, ["old.ts#fulfil"]);
  expect(findBundle("old.ts#fulfil", "1")).toBe(bundle);
  expect(findBundle("old.ts#fulfil", "2")).toBeUndefined();
});
