import { checkedWorld } from "@perdure/world/conformance";
import { createMemoryWorld } from "@perdure/world/memory";
import { describe, expect, test, vi } from "vitest";

import { getRun, start } from "../src/api/index.ts";
import { encodeRow } from "../src/engine/row.ts";
import { getStepMetadata, heartbeat, type StepCallOptions } from "../src/index.ts";
import { step } from "../src/internal.ts";
import { encodeRunInput } from "../src/run-input.ts";
import { readRows } from "../src/worker/replay.ts";
import { bundleOf, workflowOf } from "./support/bundle.ts";
import { anotherWorker, until, useWorld } from "./support/lab.ts";
import { worlds } from "./support/worlds.ts";

let count = 0;
/** A workflow that calls one step, whose attempts are what `attempt` says; it returns the step's result. */
function flowOf<R>(attempt: (number: number) => Promise<R>, options: StepCallOptions = {}): () => Promise<R> {
  const id = `b#step${++count}`;
  step(id, async () => attempt(getStepMetadata().attempt), "beating");
  const retry = { initialDelay: 1, ...options.retry };
  return workflowOf<[], R>(
    `b#flow${count}`,
    `async()=>withOptions((...a)=>callStep('${id}',a),${JSON.stringify({ ...options, retry })})()`,
  );
}
const aborted = (): Promise<unknown> => {
  const { signal } = getStepMetadata();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(signal.reason)));
};

describe.each(worlds)("on %s", (_, create) => {
  test("an attempt finds the last progress of the one that failed; history has the first report, and the last with the failure", async () => {
    const seen: unknown[] = [];
    const flow = flowOf(async (attempt) => {
      seen.push(getStepMetadata().progress);
      if (attempt === 3) return "done";
      if (attempt === 1) for (let done = 1; done <= 1000; done++) heartbeat({ done, at: new Date(done) });
      throw new Error(`no ${attempt}`);
    });
    const { world } = await useWorld({}, create());
    const run = await start(flow, []);
    expect(await run.returnValue).toBe("done");
    const last = { done: 1000, at: new Date(1000) };
    expect(seen).toEqual([undefined, last, last]);
    const rows = readRows((await world.load(run.runId)).rows);
    expect(rows.map(({ event }) => [event.type, "progress" in event])).toEqual([
      ["run_started", false],
      ["step_progress", false],
      ["step_retrying", true],
      ["step_retrying", false],
      ["step_completed", false],
    ]);
    expect(rows[1]?.payload).toContain('"done":1,');
  });

  test("an attempt that timed out leaves its progress too, and what it reports later is not heard", async () => {
    let isLate = false;
    const flow = flowOf(
      async (attempt) => {
        if (attempt > 1) {
          await until(() => isLate, "the late report");
          return getStepMetadata().progress;
        }
        heartbeat(1);
        heartbeat(2);
        await aborted();
        heartbeat(3);
        isLate = true;
      },
      { timeout: 100 },
    );
    const { world } = await useWorld({}, create());
    const run = await start(flow, []);
    expect(await run.returnValue).toBe(2);
    const types = readRows((await world.load(run.runId)).rows).map(({ event }) => event.type);
    expect(types.filter((type) => type === "step_progress").length).toBe(1);
  });

  test("an attempt without heartbeats is timed out after heartbeatTimeout and tried again; one with heartbeats may last", async () => {
    const reasons: unknown[] = [];
    const flow = flowOf(
      async (attempt) => {
        if (attempt === 1) {
          heartbeat("asleep");
          reasons.push(await aborted());
          return "too late";
        }
        for (const end = Date.now() + 700; Date.now() < end;) {
          await new Promise((resolve) => setTimeout(resolve, 10));
          heartbeat();
        }
        return `awake after ${String(getStepMetadata().progress)}`;
      },
      { heartbeatTimeout: 300, retry: { maxAttempts: 10 } },
    );
    await useWorld({}, create());
    expect(await (await start(flow, [])).returnValue).toBe("awake after asleep");
    expect(reasons).toMatchObject([{ code: "TIMED_OUT", message: expect.stringContaining("without a heartbeat in attempt 1") }]);
  });

  test("a worker that is stopped records the latest progress, and another one goes on from there", async () => {
    let begun = 0;
    const flow = flowOf(async () => {
      begun++;
      if (begun === 2) return getStepMetadata().progress;
      for (let done = 1; done <= 50; done++) heartbeat(done);
      await aborted();
    });
    const { world, worker } = await useWorld({ graceMs: 400 }, create());
    const run = await start(flow, []);
    await until(() => begun === 1, "the attempt begins");
    await worker.stop();
    const second = await anotherWorker(world);
    await until(async () => (await run.status) === "completed", "the run ends");
    expect(Buffer.from((await world.query.run({ id: run.runId }))?.output ?? []).toString()).toBe("j50");
    await second.stop();
  });

  test("progress that history has already is not recorded again", async () => {
    const flow = flowOf(async (attempt) => {
      heartbeat("same");
      if (attempt < 4) throw new Error("again");
    });
    const { world } = await useWorld({}, create());
    const run = await start(flow, []);
    await run.returnValue;
    const events = readRows((await world.load(run.runId)).rows).map(({ event }) => event);
    expect(events.filter(({ type }) => type === "step_progress")).toHaveLength(1);
    expect(events.filter((event) => "progress" in event)).toEqual([]);
  });
});

/** A run whose only step was reporting progress when its worker went silent, `crashes` times by then. */
async function interruptedRun(world: ReturnType<typeof createMemoryWorld>, crashes: number): Promise<string> {
  const { code, version, map } = bundleOf("async()=>callStep('b#lost',[])");
  await world.code.put(version, Buffer.from(JSON.stringify({ code, map })));
  const id = "01900000-0000-7000-8000-00000000000a";
  await world.heartbeat("silent", 1);
  const input = encodeRunInput({ seed: "0".repeat(32), args: "j[]", deadlineAt: null, address: null });
  await world.createRuns([{ id, key: null, workflowId: "b#interrupted", version, input, dueAt: null }], { owner: "silent" });
  const rows = [
    encodeRow({ event: { type: "run_started", at: 1 }, asks: ["step b#lost#1"], payload: "" }),
    encodeRow({ event: { type: "step_progress", op: "b#lost#1", attempt: 1, at: 2, crashes }, asks: [], payload: "j7" }),
  ];
  await world.commit([{ runId: id, fence: 1, worker: "silent", base: 0, rows: rows.map((row) => Buffer.from(row)) }]);
  return id;
}

test("a step that reports progress before it ends its process does not do so for ever", async () => {
  const world = checkedWorld(createMemoryWorld());
  await world.setup();
  const id = await interruptedRun(world, 9);
  await useWorld({}, world);
  await expect(getRun(id).returnValue).rejects.toMatchObject({ cause: { code: "RUN_CRASHES_WORKER" } });
});

test("a run that lost its worker counts on in its reports until it gets on", async () => {
  const seen: unknown[] = [];
  step(
    "b#lost",
    async () => {
      seen.push(getStepMetadata().progress);
      heartbeat(8);
    },
    "lost",
  );
  const world = checkedWorld(createMemoryWorld());
  await world.setup();
  const id = await interruptedRun(world, 1);
  await useWorld({}, world);
  await getRun(id).returnValue;
  expect(seen).toEqual([7]);
  expect(readRows((await world.load(id)).rows).map(({ event }) => ("crashes" in event ? event.crashes : event.type))).toEqual([
    "run_started",
    1,
    2,
    "step_completed",
  ]);
});

test("the longer an attempt lasts the fewer of its reports are recorded, and none is the last for long", async () => {
  vi.useFakeTimers();
  vi.resetModules();
  try {
    const { Heartbeats } = await import("../src/worker/heartbeats.ts");
    const recorded: { at: number; progress: number }[] = [];
    const heartbeats = new Heartbeats(null, (progress) => recorded.push({ at: Date.now() - from, progress: Number(progress) }));
    const from = Date.now();
    for (let report = 0; report < 36_000; report++) {
      heartbeats.report(String(report));
      vi.advanceTimersByTime(100);
    }
    expect(recorded.slice(0, 7).map(({ at }) => at)).toEqual([0, 1000, 3000, 7000, 15_000, 31_000, 61_000]);
    expect(recorded.length).toBeLessThan(130);
    vi.advanceTimersByTime(60_000);
    expect(recorded.at(-1)?.progress).toBe(35_999);
    const before = recorded.length;
    vi.advanceTimersByTime(600_000);
    expect(recorded).toHaveLength(before);
  } finally {
    vi.useRealTimers();
  }
});

test("heartbeat() outside of a step is NOT_IN_STEP, and what cannot be stored is refused where it is reported", async () => {
  expect(() => heartbeat(1)).toThrow(expect.objectContaining({ code: "NOT_IN_STEP" }));
  await useWorld();
  const inWorkflow = workflowOf("b#inWorkflow", "async()=>{try{__perdure.heartbeat(1)}catch(e){return e.code}}");
  expect(await (await start(inWorkflow, [])).returnValue).toBe("NOT_IN_STEP");
  const refused = flowOf(async () => {
    try {
      heartbeat({ callback: () => 1 });
    } catch (error) {
      return (error as { path?: string }).path;
    }
  });
  expect(await (await start(refused, [])).returnValue).toBe("progress.callback");
});
