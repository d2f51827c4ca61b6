/**
 * The host's side of the sandbox: one realm per process, many runs in it.
 *
 * A tick is one piece of work under the watchdog; each delivery inside it is an evaluation of its own, after which the realm
 * drains the microtasks that the delivery caused (`microtaskMode: "afterEvaluate"`), so that a run is quiet before the next one is told anything.
 * (Nested: 5 µs a delivery; a watchdog for each would cost 20 µs or 120.) When the watchdog ends a tick, V8 unwinds everything up to it,
 * the host's frames included: the loop below therefore only moves strings and keeps its place.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import vm from "node:vm";

import { append, none } from "../lists.ts";
import { defaultMaxBytes } from "../codec/size.ts";
import { requestOf, type Event } from "../engine/event.ts";
import { PerdureError } from "../errors/perdure-error.ts";
import type { BundleFactory, Kernel } from "./kernel/deliveries.ts";
import type { boot } from "./kernel/index.ts";
import type { SharedFactory } from "./kernel/shared-parts.ts";
import { hashOf, splitBundle } from "./bundle-text.ts";
import type { Scope, Sources } from "./kernel/run-state.ts";
import type { ScopeTracker } from "./kernel/scopes.ts";
import { createCpuMeter, type CpuMeter } from "./cpu-meter.ts";
import { tolerateRejections } from "./rejections.ts";
import { kernelSource, webSource } from "./kernel.generated.ts";
import type { WebSource } from "./kernel/web/install.ts";
import { urlParts } from "./url-parts.ts";
import { createWatchdog } from "./watchdog.ts";

/** One event for one run, and what came of it. */
export interface RealmDelivery {
  readonly handle: number;
  readonly event: Event;
  readonly payload: string;
  /** Four strings per ask, as `kernel/index.ts` lists them; null until delivered. */
  out: readonly string[] | null;
  error: unknown;
}

/** The watchdog's time went by while the process hardly ran (it was stopped, or starved): the run may have done nothing wrong. */
export class Interrupted extends PerdureError {}

export interface RealmOptions {
  /** How long workflow code may run without yielding, ms. */
  readonly watchdogMs: number;
  readonly sources: Sources;
  /** Workflow code did something while no event of its run was being delivered: only where it shares the process's microtasks. */
  readonly onStray?: (runId: string, error: Error) => void;
}

/** What a run's place is made for. */
export interface RunIdentity {
  readonly id: string;
  /** What people call it; its id if left out. */
  readonly name?: string;
  readonly workflowId: string;
  readonly seed: string;
  /** How many bytes a value may take; 8 MiB if left out. */
  readonly maxValueBytes?: number;
}

export interface Realm {
  /** Makes a run's place in the realm. @throws PROTOCOL_UNSUPPORTED, or a SyntaxError of the bundle */
  create(version: string, code: string, run: RunIdentity): number;
  /** From here on the run is replayed from a history that leaves these calls without an answer; null: it is live. */
  setReplaying(handle: number, unanswered: readonly string[] | null): void;
  /** From here on the run's chance is another one. */
  reseed(handle: number, seed: string): void;
  /** From here on the run's asks are traced. */
  trace(handle: number): void;
  /** Of a traced run: the stacks of what it asked for at the last delivery, for each ask that a history records. */
  stacks(handle: number): readonly string[];
  drop(handle: number): void;
  /**
   * Delivers in order, from an index on, for a few milliseconds; returns the index of the first that is left. A delivery that the watchdog ended
   * has a WATCHDOG_TIMEOUT or {@link Interrupted} as its `error`. To be called at the bottom of the stack only (by `setImmediate`), see `async-stack.ts`.
   */
  deliver(deliveries: readonly RealmDelivery[], from: number): number;
}

/** A workflow's function, as the module graph has it. */
export type WorkflowCall = (...args: unknown[]) => unknown;

/** A place for runs whose code is in the module graph. */
export interface InPlaceRealm {
  create(handle: number, workflow: WorkflowCall, run: RunIdentity): void;
  /** From here on the run is replayed from a history that leaves these calls without an answer; null: it is live. */
  setReplaying(handle: number, unanswered: readonly string[] | null): void;
  reseed(handle: number, seed: string): void;
  /** From here on the run's asks are traced. */
  trace(handle: number): void;
  /** Of a traced run: the stacks of what it asked for at the last delivery, for each ask that a history records. */
  stacks(handle: number): readonly string[];
  drop(handle: number): void;
  /** Resolves when the run is quiet. Never rejects. */
  deliver(delivery: RealmDelivery): Promise<void>;
}

/** Which scope of cancellation code belongs to follows its promises; the scopes are the realm's objects and opaque here. */
const scopes = new AsyncLocalStorage<Scope>();
const scopeTracker: ScopeTracker = { run: (scope, part) => scopes.run(scope, part), current: () => scopes.getStore() };

/** The compiled text of a bundle. */
interface Compiled {
  readonly factory: (global: object) => BundleFactory;
  /** The hash of its shared part; "" if it has none. */
  readonly shared: string;
}

/** An evaluation, after which the realm's microtasks have run. */
const nothing = new vm.Script("0");
const sliceMs = 25;
/** How many versions stay compiled. */
const compiledVersions = 1000;

export function createRealm(options: RealmOptions): Realm {
  const context = createContext();
  const inner = new vm.Script("__perdure_evaluate()", { filename: "perdure:delivery" });
  const watchdog = createWatchdog();
  const versions = new Map<string, Compiled>();
  let batch: readonly RealmDelivery[] = [];
  let position = 0;
  const meter = createCpuMeter();
  const tick = (): void => {
    const end = performance.now() + sliceMs;
    while (position < batch.length && performance.now() < end) {
      const delivery = batch[position];
      if (delivery) deliverOne(kernel, delivery, inner, context);
      position++;
    }
  };
  const start = vm.runInContext(`(()=>{${kernelSource};return __kernel.boot})()`, context, { filename: "perdure:kernel" }) as typeof boot;
  // Not a script: its evaluation would drain the run's microtasks, in the middle of the run's code.
  const load = (): ReturnType<WebSource["load"]> => {
    const text = `${webSource};return __web.createWeb`;
    return vm.compileFunction(text, [], { parsingContext: context, filename: "perdure:web" })() as ReturnType<WebSource["load"]>;
  };
  const kernel = start({ sources: options.sources, web: { load, url: urlParts }, scopes: scopeTracker });
  tolerateRejections(vm.runInContext("Promise", context) as PromiseConstructor);

  const compiled = (version: string, workflowId: string, code: string): Compiled => {
    const known = versions.get(version);
    if (known) return known;
    const { main, shared } = splitBundle(code, workflowId);
    const factory = evaluateText(context, `perdure:workflow/${version}`, "globalThis", main) as Compiled["factory"];
    if (versions.size >= compiledVersions) {
      versions.clear();
      kernel.forgetShared();
    }
    const hash = shared === null ? "" : hashOf(shared);
    if (shared !== null)
      kernel.addShared(hash, evaluateText(context, `perdure:shared/${hash}`, "globalThis,self", shared) as SharedFactory);
    const result = { factory, shared: hash };
    versions.set(version, result);
    return result;
  };
  return {
    create(version, code, run) {
      const { factory, shared } = compiled(version, run.workflowId, code);
      return kernel.create(factory, shared, run.id, run.workflowId, run.seed, run.name ?? run.id, run.maxValueBytes ?? defaultMaxBytes);
    },
    setReplaying: (handle, ops) => kernel.setReplaying(handle, ops && ops.join("\n")),
    reseed: (handle, seed) => kernel.reseed(handle, seed),
    trace: (handle) => kernel.trace(handle),
    stacks: (handle) => copy(kernel.stacks(handle)),
    drop: (handle) => kernel.drop(handle),
    deliver(deliveries, from) {
      batch = deliveries;
      position = from;
      meter.start();
      try {
        if (watchdog.run(tick, options.watchdogMs)) return position;
        const stuck = batch[position];
        if (stuck) abandon(kernel, stuck, stoppedBecause(meter, options.watchdogMs));
        // What a stopped run still had queued runs off while no run is current; if that does not end either, V8 empties the queue as it stops it.
        watchdog.run(() => void nothing.runInContext(context), options.watchdogMs);
        return position + 1;
      } finally {
        batch = [];
      }
    },
  };
}

function createContext(): vm.Context {
  const settings: vm.CreateContextOptions = {
    name: "perdure",
    microtaskMode: "afterEvaluate",
    codeGeneration: { strings: false, wasm: false },
  };
  // A plain global (Node 22.8 and later) has no interceptors, so that reading a global is a property read.
  const { DONT_CONTEXTIFY: plain } = vm.constants as unknown as { DONT_CONTEXTIFY?: vm.Context };
  return vm.createContext(plain ?? (Object.create(null) as vm.Context), settings);
}

/** A part of a bundle as a function of its globals. */
function evaluateText(context: vm.Context, filename: string, parameters: string, text: string): unknown {
  const prefix = `(function(${parameters}){return `;
  return new vm.Script(`${prefix}${text}\n})`, { filename, columnOffset: -prefix.length }).runInContext(context);
}

function deliverOne(kernel: Kernel, delivery: RealmDelivery, inner: vm.Script, context: vm.Context): void {
  const { event } = delivery;
  try {
    if (event.type === "run_started" && kernel.prepareShared(delivery.handle)) inner.runInContext(context);
    kernel.prepare(delivery.handle, event.type, "op" in event ? event.op : "", event.at, delivery.payload, requestOf(event));
    inner.runInContext(context);
    delivery.out = copy(kernel.take(delivery.handle));
  } catch (error) {
    kernel.leave();
    delivery.error = error;
  }
}

/** A list of the host's own, by index: what crosses is strings. */
function copy(list: readonly string[]): readonly string[] {
  let copied: readonly string[] = none;
  for (let index = 0; index < list.length; index++) copied = append(copied, String(list[index]));
  return copied;
}

function abandon(kernel: Kernel, stuck: RealmDelivery, error: Error): void {
  stuck.error = error;
  kernel.leave();
  kernel.abandon(stuck.handle);
}

function stoppedBecause(meter: CpuMeter, watchdogMs: number): Error {
  const kind = meter.share() < 0.1 ? Interrupted : PerdureError;
  return new kind("WATCHDOG_TIMEOUT", `The workflow ran for ${watchdogMs} ms without yielding and was stopped.`);
}
