import { checkedWorld } from "@perdure/world/conformance";
import { createMemoryWorld } from "@perdure/world/memory";
import { afterEach, expect, test, vi } from "vitest";

import { resumeHook, start } from "../src/api/index.ts";
import { FatalError } from "../src/errors/step-errors.ts";
import { step, workflow } from "../src/internal.ts";
import {
  createWorker,
  logObserver,
  setObservers,
  traceObserver,
  type Observer,
  type Span,
  type Tracer,
  type WorkerEvent,
} from "../src/worker/index.ts";
import { bundleOf, workflowOf } from "./support/bundle.ts";
import { until, useWorld } from "./support/lab.ts";

afterEach(() => setObservers([]));

/** Keeps what it is told. */
function recorder(): { observer: Observer; events: WorkerEvent[]; types: () => string[] } {
  const events: WorkerEvent[] = [];
  const frequent = new Set(["lease_renewed", "commit"]);
  return {
    events,
    observer: { observe: (event) => void events.push(event) },
    types: () => events.map(({ type }) => type).filter((type) => !frequent.has(type)),
  };
}

const ofType = <T extends WorkerEvent["type"]>(events: readonly WorkerEvent[], type: T): Extract<WorkerEvent, { type: T }>[] =>
  events.filter((event): event is Extract<WorkerEvent, { type: T }> => event.type === type);

test("an observer sees a run from its start to its end, in order", async () => {
  let calls = 0;
  const flaky = step(
    "app/o.ts#flaky",
    async () => {
      if (++calls === 1) throw new RangeError("not yet");
      return "done";
    },
    "flaky",
  );
  Object.assign(flaky, { options: { retry: { initialDelay: 1 } } });
  const flow = workflowOf("app/o.ts#flow", "async()=>{console.warn('hello',1);return callStep('app/o.ts#flaky',[])}");
  const { observer, events, types } = recorder();
  const { worker } = await useWorld({ observers: [observer], printConsole: false });
  const run = await start(flow, [], { id: "observed" });
  expect(await run.returnValue).toBe("done");
  await until(() => types().includes("run_ended"), "the end is told");
  expect(types()).toEqual([
    "run_started",
    "console",
    "attempt_started",
    "attempt_settled",
    "attempt_started",
    "attempt_settled",
    "run_ended",
  ]);
  const [first, second] = ofType(events, "attempt_settled");
  expect(first).toMatchObject({
    runId: "observed",
    stepId: "app/o.ts#flaky",
    operation: "app/o.ts#flaky#1",
    attempt: 1,
    outcome: "retrying",
  });
  expect(first?.error).toBeInstanceOf(RangeError);
  expect(first?.nextAttemptAt).toBeGreaterThan(0);
  expect(second).toMatchObject({ attempt: 2, outcome: "completed", worker: worker.id });
  expect(ofType(events, "console")).toMatchObject([{ level: "warn", text: "hello 1" }]);
  expect(ofType(events, "run_ended")).toMatchObject([{ status: "completed", workflowId: "app/o.ts#flow" }]);
  const rows = ofType(events, "commit").reduce((sum, commit) => sum + commit.rows, 0);
  expect(rows).toBe(2); // the first one came with the run
  expect(ofType(events, "commit").every(({ outcome, commits, committed }) => outcome === "known" && commits === committed)).toBe(true);
});

test("a run that is given back and claimed again is seen to be replayed; its console stays silent", async () => {
  const flow = workflowOf("t#observedReplay", "async()=>{console.log('once');return await createHook({token:'observed-replay'})}");
  const { observer, types, events } = recorder();
  await useWorld({ observers: [observer], idleMs: 0, leaseMs: 200, printConsole: false });
  const run = await start(flow, []);
  await until(() => types().includes("run_released"), "the release");
  await resumeHook("observed-replay", 1);
  expect(await run.returnValue).toBe(1);
  await until(() => types().includes("run_ended"), "the end is told");
  // It may be given back more than once before its message comes.
  expect(types().slice(0, 5)).toEqual(["run_started", "console", "run_released", "run_claimed", "run_replayed"]);
  expect(types().at(-1)).toBe("run_ended");
  expect(ofType(events, "console")).toHaveLength(1);
  expect(ofType(events, "run_released")[0]).toMatchObject({ reason: "idle" });
  expect(ofType(events, "run_replayed")[0]).toMatchObject({ rows: 1 });
});

test("observers of the process see the worker that start() makes, until they are replaced", async () => {
  const { observer, events } = recorder();
  await useWorld();
  setObservers([observer]);
  await (
    await start(workflowOf("t#observedGlobally", "async()=>1"), [])
  ).returnValue;
  await until(() => ofType(events, "run_ended").length === 1, "the end is told");
  const seen = events.length;
  setObservers([]);
  await (
    await start(workflowOf("t#observedGlobally2", "async()=>1"), [])
  ).returnValue;
  expect(events).toHaveLength(seen);
});

test("observers that throw, reject or forget to begin an attempt are warned of once each and harm nothing", async () => {
  const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
  step("t#harmed", async () => 1, "harmed");
  const flow = workflowOf("t#harmless", "async()=>{const r=[];for(let i=0;i<3;i++)r.push(await callStep('t#harmed',[]));return r}");
  const { observer, types } = recorder();
  const throwing: Observer = {
    observe: () => {
      throw new Error("observer down");
    },
    beginAttempt: () => {
      throw new Error("observer down");
    },
  };
  const rejecting = { observe: () => Promise.reject(new Error("observer away")) } as unknown as Observer;
  const forgetful: Observer = { beginAttempt: () => undefined };
  const twice: Observer = { beginAttempt: (_event, begin) => (begin(), begin()) };
  await useWorld({ observers: [throwing, rejecting, forgetful, twice, observer] });
  expect(await (await start(flow, [])).returnValue).toEqual([1, 1, 1]);
  const warnings = warn.mock.calls.map(([text]) => String(text)).filter((text) => text.includes("An observer"));
  warn.mockRestore();
  expect(warnings.filter((text) => text.includes("observer down"))).toHaveLength(1);
  expect(warnings.filter((text) => text.includes("observer away"))).toHaveLength(1);
  expect(warnings).toHaveLength(2);
  expect(types().filter((type) => type === "attempt_started")).toHaveLength(3);
});

test("what is not an observer is refused", async () => {
  const world = checkedWorld(createMemoryWorld());
  await expect(createWorker({ world, observers: [{} as Observer] })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  expect(() => setObservers([null as unknown as Observer])).toThrow("observers");
});

test("an error that workflow code threw reaches observers with the lines of its source", async () => {
  const bundle = bundleOf("async()=>{throw new TypeError('odd')}");
  // Everything of the bundle's first line comes from line 7 of app/source.ts.
  const map = JSON.stringify({ version: 3, sources: ["app/source.ts"], names: [], mappings: "AAMA" });
  const flow = workflow("t#mapped", async () => undefined, "mapped", { ...bundle, map });
  const { observer, events } = recorder();
  await useWorld({ observers: [observer] });
  await expect((await start(flow, [])).returnValue).rejects.toMatchObject({ code: "RUN_FAILED" });
  await until(() => ofType(events, "run_ended").length === 1, "the end is told");
  const [ended] = ofType(events, "run_ended");
  expect(ended?.error).toMatchObject({ stack: expect.stringContaining("app/source.ts:7:1") as string });
});

test("the logging observer writes lines by how much they matter", async () => {
  step(
    "t#logged",
    async () => {
      throw new FatalError("no funds");
    },
    "logged",
  );
  const lines: string[] = [];
  const at = (level: string) => (line: string) => void lines.push(`${level} ${line.split("\n")[0]}`);
  await useWorld({ observers: [logObserver({ debug: () => undefined, info: at("info"), warn: at("warn"), error: at("error") })] });
  const run = await start(workflowOf("app#logged", "async()=>callStep('t#logged',[])"), [], { id: "logged" });
  await expect(run.returnValue).rejects.toMatchObject({ code: "RUN_FAILED" });
  await until(() => lines.length === 3, "the lines");
  expect(lines.map((line) => line.replace(/[\d.]+ ms/, "N ms"))).toEqual([
    "info perdure: run logged of app#logged starts",
    "warn perdure: attempt 1 of t#logged#1 of run logged failed after N ms: FatalError: no funds",
    "error perdure: run logged of app#logged failed: FatalError: no funds",
  ]);
});

/** A tracer by hand: keeps its spans, and which one is active. */
function handMadeTracer(): { tracer: Tracer; spans: Record<string, unknown>[]; active: () => string | null } {
  const spans: Record<string, unknown>[] = [];
  let active: string | null = null;
  const startSpan: Tracer["startSpan"] = (name, options = {}) => {
    const span: Record<string, unknown> = { name, ...options, attributes: { ...options.attributes }, ended: false, exceptions: [] };
    spans.push(span);
    return {
      setAttribute: (key, value) => Object.assign(span.attributes as object, { [key]: value }),
      setStatus: (status) => (span.status = status),
      recordException: (error) => void (span.exceptions as Error[]).push(error),
      end: () => void (span.ended = true),
    } satisfies Span;
  };
  const startActiveSpan: Tracer["startActiveSpan"] = (name, options, begin) => {
    active = name;
    try {
      return begin(startSpan(name, options));
    } finally {
      active = null;
    }
  };
  return { tracer: { startSpan, startActiveSpan }, spans, active: () => active };
}

test("the tracing observer makes a span for each attempt, active while the step begins, and one for the run", async () => {
  const { tracer, spans, active } = handMadeTracer();
  const activeInStep: (string | null)[] = [];
  const fn = step(
    "shop/o.ts#charge",
    async () => {
      activeInStep.push(active());
      if (activeInStep.length === 1) throw new RangeError("declined");
      return 1;
    },
    "charge",
  );
  Object.assign(fn, { options: { retry: { initialDelay: 1 } } });
  await useWorld({ observers: [traceObserver(tracer)] });
  const run = await start(workflowOf("shop/o.ts#buy", "async()=>callStep('shop/o.ts#charge',[])"), [], { id: "traced" });
  await run.returnValue;
  await until(() => spans.length === 3, "the spans");
  expect(activeInStep).toEqual(["step charge", "step charge"]);
  expect(spans.map(({ name, root, ended }) => [name, root, ended])).toEqual([
    ["step charge", true, true],
    ["step charge", true, true],
    ["workflow buy", true, true],
  ]);
  expect(spans[0]).toMatchObject({
    status: { code: 2, message: "declined" },
    attributes: {
      "perdure.run.id": "traced",
      "perdure.step.id": "shop/o.ts#charge",
      "perdure.attempt": 1,
      "perdure.attempt.outcome": "retrying",
      "error.type": "RangeError",
    },
  });
  expect(spans[0]?.exceptions).toHaveLength(1);
  expect(spans[1]).toMatchObject({ attributes: { "perdure.attempt": 2, "perdure.attempt.outcome": "completed" } });
  expect(spans[2]).toMatchObject({ attributes: { "perdure.run.status": "completed", "perdure.workflow.id": "shop/o.ts#buy" } });
});
