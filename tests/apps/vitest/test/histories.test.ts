import { existsSync, readFileSync } from "node:fs";
import { exportHistory, getRun, start, type RecordedHistory } from "perdure/api";
import { HistoryDifferenceError, replayHistory } from "perdure/testing";
import { expect, test, vi } from "vitest";
import { asks, audits, pays, shipsFirst, sleepsLonger, throws } from "../src/changed.ts";
import { chance, fails, fulfil, remind } from "../src/order.ts";
import * as steps from "../src/steps.ts";

async function recorded(order: string): Promise<RecordedHistory> {
  const run = await start(fulfil, [order]);
  await run.returnValue;
  return exportHistory(run);
}

const failureOf = async (replay: Promise<unknown>): Promise<HistoryDifferenceError> => {
  const error = await replay.catch((thrown: unknown) => thrown);
  if (!HistoryDifferenceError.is(error)) throw error;
  return error;
};

test("a history is replayed on the modules of the test, and no step is called", async () => {
  const history = await recorded("abc");
  expect(history).toMatchObject({ version: "vitest", bundle: null });
  const charge = vi.spyOn(steps, "charge");
  expect(await replayHistory(fulfil, history)).toEqual({ status: "completed", value: ["abc paid 300 EUR", "abc shipped"] });
  expect(charge).not.toHaveBeenCalled();
});

test("an open run and one that failed are replayed", async () => {
  const open = await start(chance, []);
  await vi.waitFor(async () => expect(await open.note).toContain("hook go-on"), { timeout: 5000 });
  expect(await replayHistory(chance, await exportHistory(open))).toEqual({ status: "running", waits: await open.waits });
  await open.terminate();
  const failed = await start(fails, ["abc"]);
  await failed.returnValue.catch(() => undefined);
  expect(await replayHistory(fails, await exportHistory(failed))).toMatchObject({
    status: "failed",
    error: new RangeError("no such order: abc"),
  });
});

/** The place of a text in the source of the workflows that were changed. */
function placeOf(text: string): object {
  const before = readFileSync("src/changed.ts", "utf8").split(text)[0]!.split("\n");
  return { file: "src/changed.ts", line: before.length, column: before.at(-1)!.length + 1, text: text.replace(/;$/, "") };
}

test.each([
  [shipsFirst, "step shop/src/steps.ts#charge#1", "step shop/src/steps.ts#ship#1", "ship(order);"],
  [audits, "step shop/src/steps.ts#charge#1", "step shop/src/changed.ts#audit#1", "audit(order);"],
  [asks, "step shop/src/steps.ts#ship#1", "hook hook#1", "createHook<string[]>()"],
  [throws, "step shop/src/steps.ts#charge#1", "failed: RangeError: abc", "new RangeError(order)"],
] as const)("what differs is said with its place: %o", async (workflow, recordedAsk, actual, text) => {
  const history = { ...(await recorded("abc")), workflowId: `shop/src/changed.ts#${workflow.name}` };
  const error = await failureOf(replayHistory(workflow, history));
  expect(error).toMatchObject({ code: "NONDETERMINISM", recorded: recordedAsk, actual, recordedAt: null, actualAt: placeOf(text) });
});

test("another result is a difference", async () => {
  const history = { ...(await recorded("abc")), workflowId: "shop/src/changed.ts#pays" };
  const error = await failureOf(replayHistory(pays, history));
  expect(error.recorded).toBe("completed with [ 'abc paid 300 EUR', 'abc shipped' ]");
  expect(error.actual).toBe("completed with [ 'abc paid 300 EUR', 'abc shipped twice' ]");
});

// (By the tests of bundles, which have run before.)
const fromProduction = existsSync("histories");

test.runIf(fromProduction)("a history of production is replayed on the modules of the test", async () => {
  expect(await replayHistory(fulfil, "histories/fulfil.json")).toEqual({
    status: "completed",
    value: ["abc paid 300 EUR", "abc shipped"],
  });
  expect(await replayHistory(remind, "histories/remind.json")).toMatchObject({ status: "running", waits: [{ operation: "sleep#1" }] });
});

test.runIf(fromProduction)("with its code it says where the old source differs, and what no history holds", async () => {
  const read = (name: string): RecordedHistory => JSON.parse(readFileSync(`histories/${name}.json`, "utf8")) as RecordedHistory;
  const error = await failureOf(replayHistory(audits, { ...read("fulfil"), workflowId: "shop/src/changed.ts#audits" }));
  expect(error).toMatchObject({
    recordedAt: { file: "src/order.ts", line: 17, column: 22, text: "charge(order,priceOf(order))" },
    actualAt: placeOf("audit(order);"),
  });
  const longer = await failureOf(replayHistory(sleepsLonger, { ...read("remind"), workflowId: "shop/src/changed.ts#sleepsLonger" }));
  expect(longer.recorded).toMatch(/^wait sleep#1 until /);
  expect(longer.actualAt).toEqual(placeOf('sleep("4 days")'));
});

test("a run that is not there has no history", async () => {
  await expect(exportHistory(getRun("nobody"))).rejects.toThrow(/There is no run "nobody"/);
});
