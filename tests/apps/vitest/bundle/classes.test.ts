import { expect, test } from "vitest";
import { start } from "perdure/api";
import { Account, pay } from "../src/account.ts";
import { Money } from "../src/money.ts";

test("instances of classes are instances on both sides, and steps that are methods have theirs", async () => {
  const { left, ...others } = await (await start(pay, [new Account("k")])).returnValue;
  expect(others).toEqual({ known: true, key: "k" });
  expect([left instanceof Money, left.cents]).toEqual([true, 7]);
});
