/**
 * The host's side of the sandbox: one realm per process, many runs in it.
 *
 * A tick is one outer evaluation, which carries the watchdog's timeout; each delivery inside it is an evaluation of its own, after which the realm
 * drains the microtasks that the delivery caused (`microtaskMode: "afterEvaluate"`), so that a run is quiet before the next one is told anything.
 * (Nested: 5 µs a delivery; a timeout on each would cost 120 µs.) When the watchdog ends an evaluation, V8 unwinds everything up to the outer one,
 * the host's frames included: the loop below therefore only moves strings and keeps its place.
 */
import vm from "node:vm";
import { PerdureError } from "../errors/perdure-error.ts";
import { createCpuMeter } from "./cpu-meter.ts";
import { tolerateRejections } from "./rejections.ts";
import { kernelSource } from "./kernel.generated.ts";
/** The watchdog's time went by while the process hardly ran (it was stopped, or starved): the run may have done nothing wrong. */
export class Interrupted extends PerdureError {}
const protocolPrefix = "/*perdure:1*/";
const sliceMs = 25;
const bundlePrefix = "(function(globalThis){return ";
export function createRealm(options) {
  const context = createContext();
  const inner = new vm.Script("__perdure_evaluate(1)", { filename: "perdure:delivery" });
  const outer = new vm.Script("__perdure_evaluate(0)", { filename: "perdure:tick" });
  const factories = new Map();
  let batch = [];
  let position = 0;
  const meter = createCpuMeter();
  const tick = () => {
    const end = performance.now() + sliceMs;
    while (position < batch.length && performance.now() < end) {
      const delivery = batch[position];
      if (delivery) deliverOne(kernel, delivery, inner, context);
      position++;
    }
  };
  const start = vm.runInContext(`(()=>{${kernelSource};return __kernel.boot})()`, context, { filename: "perdure:kernel" });
  const kernel = start(options.tokenFor, tick);
  tolerateRejections(vm.runInContext("Promise", context));
  const factoryOf = (version, workflowId, code) => {
    let factory = factories.get(version);
    if (!factory) {
      factory = compileFactory(context, version, workflowId, code);
      if (factories.size >= 1000) factories.clear();
      factories.set(version, factory);
    }
    return factory;
  };
  return {
    create: (version, code, run) => kernel.create(factoryOf(version, run.workflowId, code), run.id, run.workflowId, run.seed),
    setAnswered: (handle, ops) => kernel.setAnswered(handle, ops && ops.join("\n")),
    drop: (handle) => kernel.drop(handle),
    deliver(deliveries, from) {
      batch = deliveries;
      position = from;
      meter.start();
      try {
        outer.runInContext(context, { timeout: options.watchdogMs });
      } catch (cause) {
        if (!isTimeout(cause)) throw cause;
        const stuck = batch[position];
        if (stuck) abandon(kernel, stuck, stoppedBecause(meter, options.watchdogMs));
        position++;
        dropMicrotasks(context, options.watchdogMs);
      }
      return position;
    },
  };
}
function createContext() {
  const settings = {
    name: "perdure",
    microtaskMode: "afterEvaluate",
    codeGeneration: { strings: false, wasm: false },
  };
  // A plain global (Node 22.8 and later) has no interceptors, so that reading a global is a property read.
  const { DONT_CONTEXTIFY: plain } = vm.constants;
  return vm.createContext(plain ?? Object.create(null), settings);
}
function compileFactory(context, version, workflowId, code) {
  if (!code.startsWith(protocolPrefix)) {
    const found = /^\/\*(.{0,40}?)\*\//.exec(code)?.[1] ?? "no protocol number";
    throw new PerdureError(
      "PROTOCOL_UNSUPPORTED",
      `The code of workflow "${workflowId}" says "${found}", this runtime speaks "perdure:1".`,
    );
  }
  const script = new vm.Script(`${bundlePrefix}${code}\n})`, {
    filename: `perdure:workflow/${version}`,
    columnOffset: -bundlePrefix.length,
  });
  return script.runInContext(context);
}
function deliverOne(kernel, delivery, inner, context) {
  const { event } = delivery;
  try {
    kernel.prepare(delivery.handle, event.type, "op" in event ? event.op : "", event.at, delivery.payload);
    inner.runInContext(context);
    delivery.out = copy(kernel.take(delivery.handle));
  } catch (error) {
    kernel.leave();
    delivery.error = error;
  }
}
/** A list of the host's own, by index: what crosses is strings. */
function copy(list) {
  const copied = [];
  for (let index = 0; index < list.length; index++) copied.push(String(list[index]));
  return copied;
}
function isTimeout(error) {
  return typeof error === "object" && error !== null && error.code === "ERR_SCRIPT_EXECUTION_TIMEOUT";
}
function abandon(kernel, stuck, error) {
  stuck.error = error;
  kernel.leave();
  kernel.drop(stuck.handle);
}
function stoppedBecause(meter, watchdogMs) {
  const kind = meter.share() < 0.1 ? Interrupted : PerdureError;
  return new kind("WATCHDOG_TIMEOUT", `The workflow ran for ${watchdogMs} ms without yielding and was stopped.`);
}
/** What a stopped run still had queued runs off while no run is current; if that does not end either, V8 empties the queue as it stops it. */
function dropMicrotasks(context, timeout) {
  try {
    vm.runInContext("0", context, { timeout });
  } catch (error) {
    if (!isTimeout(error)) throw error;
  }
}
