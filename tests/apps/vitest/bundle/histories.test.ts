import { mkdirSync, writeFileSync } from "node:fs";
import { exportHistory, start, type RecordedHistory } from "perdure/api";
import { replayHistory } from "perdure/testing";
import { expect, test, vi } from "vitest";
import { fulfil, remind } from "../src/order.ts";

const write = (name: string, history: RecordedHistory): void => {
  mkdirSync("histories", { recursive: true });
  writeFileSync(`histories/${name}.json`, JSON.stringify(history));
};

test("histories are replayed on bundles", async () => {
  const run = await start(fulfil, ["abc"]);
  const value = await run.returnValue;
  const history = await exportHistory(run);
  expect(await replayHistory(fulfil, history)).toEqual({ status: "completed", value });
  write("fulfil", history);
  const open = await start(remind, ["abc"]);
  await vi.waitFor(async () => expect(await open.note).toContain("sleeps until"), { timeout: 5000 });
  write("remind", await exportHistory(open));
  expect(await replayHistory(remind, "histories/remind.json")).toEqual({ status: "running", waits: await open.waits });
});
