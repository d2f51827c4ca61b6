import { expect, test, vi } from "vitest";
import { start } from "perdure/api";
import { Account, pay } from "../src/account.ts";
import { Money } from "../src/money.ts";

test("instances of classes are instances on both sides, and steps that are methods have theirs", async () => {
  const { left, ...others } = await (await start(pay, [new Account("k")])).returnValue;
  expect(others).toEqual({ known: true, key: "k" });
  expect([left instanceof Money, left.cents]).toEqual([true, 7]);
});

test("a mock of such a method has the instance", async () => {
  const mock = vi.spyOn(Account.prototype, "charge").mockImplementation(async function (this: Account) {
    return { account: this, key: `mocked ${this.key}`, known: true, left: new Money(1) };
  });
  const { key } = await (await start(pay, [new Account("k")])).returnValue;
  expect(key).toBe("mocked k");
  mock.mockRestore();
});
