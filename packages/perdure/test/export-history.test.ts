import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { withSlot } from "@perdure/world";
import { createMemoryWorld } from "@perdure/world/memory";
import { afterAll, beforeEach, describe, expect, test } from "vitest";

import { exportHistory, getRun, resumeHook, start } from "../src/api/index.ts";
import { step } from "../src/internal.ts";
import type { RecordedHistory } from "../src/recorded-history.ts";
import { HistoryDifferenceError, replayHistory } from "../src/testing/index.ts";
import { bundleOf, workflowOf } from "./support/bundle.ts";
import { until, useWorld, wrap } from "./support/lab.ts";

const folder = mkdtempSync(join(tmpdir(), "perdure-history-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What steps were called with. */
const calls: unknown[] = [];
beforeEach(() => void calls.splice(0));

step("export#echo", async (value: unknown) => (calls.push(value), value), "echo");
const echo = 'const echo=(...args)=>callStep("export#echo",args);';

/** The same workflow as it is now, in place of what it was. */
const changed = (id: string, body: string): ReturnType<typeof workflowOf> => workflowOf(id, body, bundleOf(body));

async function recordedOf(id: string, body: string, args: unknown[] = []): Promise<RecordedHistory> {
  await useWorld();
  const run = await start(changed(id, body), args);
  await run.returnValue.catch(() => undefined);
  return exportHistory(run);
}

describe("exportHistory()", () => {
  test("gives a run as its World has it, by id, key and handle, and JSON keeps all of it", async () => {
    const { world } = await useWorld();
    const body = `async(name)=>{${echo}return [await echo(name),Math.random()]}`;
    const run = await start(changed("export#order", body), ["Ada"], { id: "order-7", deadline: "1 hour" });
    const [, random] = (await run.returnValue) as [string, number];
    const record = (await world.query.run({ key: "order-7" }))!;
    const history = await exportHistory(run);
    expect(history).toEqual({
      perdure: 1,
      id: record.id,
      key: "order-7",
      workflowId: "export#order",
      version: record.version,
      status: "completed",
      createdAt: record.createdAt,
      placed: false,
      input: {
        seed: expect.stringMatching(/^[\da-f]{32}$/) as string,
        settings: { deadlineAt: expect.any(Number) as number },
        args: 'j["Ada"]',
      },
      rows: [
        { event: { type: "run_started", at: expect.any(Number) as number }, asks: ["step export#echo#1"], payload: "" },
        {
          event: { type: "step_completed", op: "export#echo#1", attempt: 1, at: expect.any(Number) as number },
          asks: ["completed"],
          payload: 'j"Ada"',
        },
      ],
      output: `j["Ada",${random}]`,
      bundle: { code: bundleOf(body).code, map: bundleOf(body).map },
    });
    expect(JSON.parse(JSON.stringify(history))).toEqual(history);
    expect(await exportHistory("order-7")).toEqual(history);
    expect(await exportHistory(record.id, { world })).toEqual(history);
    expect(await exportHistory(run, { code: false })).toEqual({ ...history, bundle: null });
  });

  test("looks in the World of the handle", async () => {
    const other = createMemoryWorld();
    await useWorld();
    const run = await start(changed("export#other", "async()=>1"), [], { world: other });
    expect(await exportHistory(run)).toMatchObject({ workflowId: "export#other", rows: [], status: "running" });
  });

  test("leaves code out that the World has lost or that was altered, and says so of a run that is not there (RUN_NOT_FOUND)", async () => {
    const { world } = await useWorld();
    const run = await start(changed("export#lost", "async()=>1"), []);
    await run.returnValue;
    workflowOf("export#lost", "async()=>2");
    for (const bytes of [null, Buffer.from("{}")]) {
      const code = { ...world.code, get: () => Promise.resolve(bytes) };
      expect((await exportHistory(run.runId, { world: wrap(world, { code }) })).bundle).toBeNull();
    }
    await expect(exportHistory("nobody")).rejects.toThrow(expect.objectContaining({ code: "RUN_NOT_FOUND" }));
  });

  test("is of one moment: a run that ends while it is read is read again, and one that never rests is refused (RUN_CHANGED)", async () => {
    const { world } = await useWorld();
    const run = await start(changed("export#moving", "async()=>createHook({token:'moving'})"), []);
    await until(async () => (await run.waits).length === 1, "it waits");
    let loads = 0;
    const moving = wrap(world, {
      async load(...args: Parameters<typeof world.load>) {
        const page = await world.load(...args);
        if (loads++ === 0) {
          await resumeHook("moving", 1);
          await run.returnValue;
        }
        return page;
      },
    });
    expect(await exportHistory(run.runId, { world: moving })).toMatchObject({ status: "completed", rows: [{}, {}], output: "j1" });
    let fence = 0;
    const query = {
      ...world.query,
      run: async (of: Parameters<typeof world.query.run>[0]) => ({ ...(await world.query.run(of))!, fence: ++fence }),
    };
    await expect(exportHistory(run.runId, { world: wrap(world, { query }) })).rejects.toThrow(
      expect.objectContaining({ code: "RUN_CHANGED" }),
    );
  });
});

describe("replayHistory()", () => {
  test("resolves with what the workflow comes to, and attempts nothing", async () => {
    const body = `async(name)=>{${echo}const at=await echo(Date.now());return {name:await echo(name),late:Date.now()>=at}}`;
    const history = await recordedOf("export#same", body, ["Ada"]);
    calls.splice(0);
    expect(await replayHistory(changed("export#same", body), history)).toEqual({ status: "completed", value: { name: "Ada", late: true } });
    expect(calls).toEqual([]);
  });

  test("takes the path or the URL of a file", async () => {
    const body = `async()=>{${echo}throw new RangeError(await echo("too far"))}`;
    const history = await recordedOf("export#file", body);
    const file = join(folder, "run.json");
    writeFileSync(file, JSON.stringify(history));
    const workflow = changed("export#file", body);
    for (const path of [file, pathToFileURL(file)]) {
      const run = await replayHistory(workflow, path);
      expect(run.status === "failed" && run.error).toEqual(new RangeError("too far"));
    }
    writeFileSync(file, "{");
    await expect(replayHistory(workflow, file)).rejects.toThrow(
      expect.objectContaining({
        code: "HISTORY_UNREADABLE",
        message: expect.stringContaining(`The history in ${file} cannot be read: it is not JSON.`) as string,
      }),
    );
    await expect(replayHistory(workflow, join(folder, "none.json"))).rejects.toThrow(/ENOENT/);
  });

  test.each([
    ["asks for something else", `async()=>{${echo}await echo(2);return sleep(9)}`, 2, "completed", "wait sleep#1"],
    ["asks for more", `async()=>{${echo}await echo(1);await echo(2)}`, 2, "completed", "step export#echo#2"],
    ["returns something else", `async()=>{${echo}return -(await echo(1))}`, 2, "completed with 1", "completed with -1"],
    ["throws", `async()=>{${echo}throw new RangeError(await echo(1))}`, 2, "completed", "failed: RangeError: 1"],
  ])("rejects where the code %s", async (_, body, row, recorded, actual) => {
    const history = await recordedOf("export#differs", `async()=>{${echo}return echo(1)}`);
    const error: unknown = await replayHistory(changed("export#differs", body), history).catch((thrown: unknown) => thrown);
    expect(HistoryDifferenceError.is(error)).toBe(true);
    expect(error).toMatchObject({ code: "NONDETERMINISM", row, recorded, actual });
  });

  test("sees what a history does not hold where that has its own code along, and says so", async () => {
    await useWorld();
    const body = (amount: number): string => `async()=>{${echo}await echo("first");return callStep("export#stuck",[${amount}])}`;
    step("export#stuck", async () => new Promise(() => undefined), "stuck");
    const run = await start(changed("export#open", body(1)), []);
    await until(async () => (await run.waits).some(({ name }) => name === "stuck"), "its second step is attempted");
    const history = await exportHistory(run);
    const waits = await run.waits;
    expect(await replayHistory(changed("export#open", body(1)), history)).toEqual({ status: "running", waits });
    const workflow = changed("export#open", body(2));
    await expect(replayHistory(workflow, history)).rejects.toThrow(
      expect.objectContaining({ recorded: "step export#stuck#1 with its input", actual: "step export#stuck#1 with another input" }),
    );
    expect(await replayHistory(workflow, { ...history, bundle: null })).toEqual({ status: "running", waits });
    await run.terminate();
    expect(await replayHistory(workflow, await exportHistory(run, { code: false }))).toEqual({ status: "running", waits });
  });

  test("compares with what a run goes on", async () => {
    const body = (to: number): string => `async(n)=>n?n:continueAsNew([${to}])`;
    await useWorld();
    const run = await start(changed("export#goes-on", body(5)), [0]);
    expect(await run.returnValue).toBe(5);
    const history = await exportHistory(run);
    expect(await replayHistory(changed("export#goes-on", body(5)), history)).toMatchObject({ status: "continued", args: [5] });
    await expect(replayHistory(changed("export#goes-on", body(6)), history)).rejects.toThrow(
      expect.objectContaining({ recorded: "continued with its arguments", actual: "continued with other arguments" }),
    );
  });

  test("replays a fork with its own chance", async () => {
    const body = `async()=>{${echo}const own=[Math.random(),await echo(1)];return [...own,Math.random(),await echo(2),Math.random()]}`;
    const history = await recordedOf("export#fork", body);
    const fork = await getRun(history.id).fork({ to: 2 });
    const value = await fork.returnValue;
    expect(await replayHistory(changed("export#fork", body), await exportHistory(fork))).toEqual({ status: "completed", value });
    expect((await replayHistory(changed("export#fork", body), history)) as { value: unknown }).not.toEqual({ status: "completed", value });
  });

  test("replays the same history several times at once, a fork too", async () => {
    const body = `async()=>{${echo}await echo(1);const hook=createHook();const own=hook.token;hook.dispose();return [own,await echo(2)]}`;
    await useWorld();
    const { runId } = await start(changed("export#at-once", body), []).then(async (run) => (await run.returnValue, run));
    const fork = await getRun(runId).fork({ to: 1 });
    const value = await fork.returnValue;
    const history = await exportHistory(fork);
    const workflow = changed("export#at-once", body);
    const replays = await Promise.all(Array.from({ length: 4 }, () => replayHistory(workflow, history)));
    expect(new Set(replays.map((one) => JSON.stringify(one)))).toEqual(new Set([JSON.stringify({ status: "completed", value })]));
  });

  test("knows the ids and tokens of a World of several servers", async () => {
    const world = createMemoryWorld();
    await useWorld({}, wrap(world, { newRunId: () => withSlot(randomUUID(), 7) }));
    const child = workflowOf("export#child", "async()=>1");
    const body = "async(child)=>{const hook=createHook();const {token}=hook;hook.dispose();return [token,(await start(child,[])).runId]}";
    const run = await start(changed("export#placed", body), [child]);
    const value = await run.returnValue;
    const history = await exportHistory(run);
    expect(history.placed).toBe(true);
    const workflow = changed("export#placed", body);
    expect(await replayHistory(workflow, history)).toEqual({ status: "completed", value });
    await expect(replayHistory(workflow, { ...history, placed: false })).rejects.toThrow(HistoryDifferenceError);
  });

  test("refuses functions that are no workflow, and histories of another one", async () => {
    const history = await recordedOf("export#own", "async()=>1");
    await expect(replayHistory(async () => 1, history)).rejects.toThrow(expect.objectContaining({ code: "WORKFLOW_NOT_COMPILED" }));
    await expect(replayHistory(changed("export#another", "async()=>1"), history)).rejects.toThrow(
      expect.objectContaining({
        code: "INVALID_ARGUMENT",
        message: expect.stringContaining('was given the workflow "export#another" and a history of "export#own"') as string,
      }),
    );
  });
});
