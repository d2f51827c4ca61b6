import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { World } from "@perdure/world";
import { checkedWorld } from "@perdure/world/conformance";
import { createMemoryWorld } from "@perdure/world/memory";
import { createSqliteWorld } from "@perdure/world-sqlite";
import { describe, expect, onTestFinished, test } from "vitest";

import { getRun, resumeHook, start, type RunEvent } from "../src/api/index.ts";
import { decodeRow, encodeRow } from "../src/engine/row.ts";
import { createWaitsFold } from "../src/engine/waits.ts";
import { step } from "../src/internal.ts";
import { workflowOf } from "./support/bundle.ts";
import { until, useWorld } from "./support/lab.ts";

function sqliteWorld(): World {
  const folder = mkdtempSync(join(tmpdir(), "perdure-history-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return createSqliteWorld({ path: join(folder, "world.db") });
}

class PaymentError extends Error {
  override name = "PaymentError";
}

describe.each(Object.entries({ memory: createMemoryWorld, sqlite: sqliteWorld }))("on the %s World", (name, make) => {
  test("a run says what it waits for, by kind and name, since when and until when", async () => {
    const world = checkedWorld(make());
    const { worker } = await useWorld({}, world);
    onTestFinished(() => worker.stop());
    let calls = 0;
    const charge = step(
      `shop/${name}.ts#charge`,
      async () => {
        if (++calls < 3) throw new PaymentError("declined");
        return "paid";
      },
      "charge",
    );
    // The first two attempts follow each other, the third is an hour off.
    Object.assign(charge, { options: { retry: { maxAttempts: 5, initialDelay: 1, factor: 3_600_000, maxDelay: "1h" } } });
    const flow = workflowOf(
      `shop/${name}.ts#flow`,
      `async()=>{const hook=createHook({token:'approval-${name}'});const charged=callStep('shop/${name}.ts#charge',[]).catch(()=>0);await hook;await sleep('2h');return charged}`,
    );
    const before = Date.now();
    const run = await start(flow, [], { id: `waits-${name}` });
    await until(async () => (await run.note)?.includes("attempt 3") === true, "the third attempt is put off");
    const at = (ms: number) => (date: Date | undefined) =>
      date !== undefined && date.getTime() >= before + ms && date.getTime() <= Date.now() + ms;
    expect(await run.waits).toEqual([
      { kind: "hook", operation: "hook#1", name: `approval-${name}`, since: expect.toSatisfy(at(0)) as Date },
      {
        kind: "step",
        operation: `shop/${name}.ts#charge#1`,
        name: "charge",
        since: expect.toSatisfy(at(0)) as Date,
        until: expect.toSatisfy(at(3_600_000)) as Date,
        attempt: 3,
        maxAttempts: 5,
        error: expect.objectContaining({ name: "PaymentError", message: "declined" }) as Error,
      },
    ]);
    expect(await run.note).toMatch(
      new RegExp(`^waits for hook approval-${name} since \\S+Z; attempt 3 of 5 of charge at \\S+Z: PaymentError: declined$`),
    );
    await resumeHook(`approval-${name}`, { by: "Ann" });
    await until(async () => (await run.waits).some(({ kind }) => kind === "wait"), "the sleep");
    expect((await run.waits).at(-1)).toMatchObject({ kind: "wait", name: "sleep", until: expect.toSatisfy(at(7_200_000)) as Date });
    await run.terminate();
    expect(await run.waits).toEqual([]);
  });

  test("a run's events can be read while it is open, with values and errors on demand", async () => {
    const world = checkedWorld(make());
    const { worker } = await useWorld({}, world);
    onTestFinished(() => worker.stop());
    step(
      `shop/${name}.ts#fails`,
      async () => {
        throw new PaymentError("no");
      },
      "fails",
    );
    Object.assign(
      step(`shop/${name}.ts#adds`, async (a: number) => ({ sum: a + 1 }), "adds"),
      {},
    );
    const flow = workflowOf<[number], unknown>(
      `shop/${name}.ts#events`,
      `async(n)=>{const r=await callStep('shop/${name}.ts#adds',[n]);await createHook({token:'events-${name}'});await withOptions(()=>callStep('shop/${name}.ts#fails',[]),{retry:{maxAttempts:1}})().catch(()=>0);return r}`,
    );
    const run = await start(flow, [41], { id: `events-${name}` });
    await until(async () => (await run.note) !== null, "the hook");
    const collect = async (): Promise<RunEvent[]> => {
      const events: RunEvent[] = [];
      for await (const event of getRun(`events-${name}`).events()) events.push(event);
      return events;
    };
    expect((await collect()).map(({ type }) => type)).toEqual(["run_started", "step_completed"]);
    await resumeHook(`events-${name}`, "go");
    await run.returnValue;
    const events = await collect();
    expect(events.map(({ seq, type, operation, asked }) => [seq, type, operation, asked])).toEqual([
      [1, "run_started", undefined, [`step shop/${name}.ts#adds#1`]],
      [2, "step_completed", `shop/${name}.ts#adds#1`, ["hook hook#1"]],
      [3, "hook_received", "hook#1", [`step shop/${name}.ts#fails#1`]],
      [4, "step_failed", `shop/${name}.ts#fails#1`, ["completed"]],
    ]);
    expect(events.map(({ value }) => value)).toEqual([[41], { sum: 42 }, "go", undefined]);
    expect(events[3]?.error).toMatchObject({ name: "PaymentError", message: "no" });
    expect(events[3]?.attempt).toBe(1);
    expect(events[0]?.at).toBeInstanceOf(Date);
  });
});

test("a run that does not exist has neither waits nor events", async () => {
  await useWorld();
  await expect(getRun("nobody").waits).rejects.toMatchObject({ code: "RUN_NOT_FOUND" });
  await expect(getRun("nobody").events()[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: "RUN_NOT_FOUND" });
});

test("waits are told from histories of former versions too, as far as those say", () => {
  const fold = createWaitsFold();
  const rows = [
    '{"type":"run_started","at":5,"asks":["wait sleep#1","step a#b#1","start w#f#1","await run x#1","hook hook#1"]}\n',
    '{"type":"step_retrying","op":"a#b#1","attempt":1,"at":6,"dueAt":9}\np',
    '{"type":"hook_received","op":"hook#1","at":7,"message":"m","asks":["dispose hook#1","state progress"]}\nj1',
  ];
  for (const row of rows) fold.add(decodeRow(row));
  expect(fold.open().map(({ kind, op, since, until: end, attempt, maxAttempts }) => [kind, op, since, end, attempt, maxAttempts])).toEqual([
    ["wait", "sleep#1", 5, null, null, null],
    ["step", "a#b#1", 5, 9, 2, null],
    ["run", "run x#1", 5, null, null, null],
  ]);
});

test("a row keeps the details of what was asked for", () => {
  const row = { event: { type: "run_started", at: 1 }, asks: ["wait sleep#1"], details: { "sleep#1": 7 }, payload: "" } as const;
  expect(decodeRow(encodeRow(row))).toEqual(row);
});
