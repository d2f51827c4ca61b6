/** Deliveries of events to workflow code: what makes a promise of it settle, and what it asks for. */
import { decode, encode, encodeThrown } from "../../codec/index.ts";
import { receive, refuse } from "./hooks.ts";
import { createRandom } from "./random.ts";
import { currentRunOrNull, setCurrentRun } from "./run-state.ts";
import { workflowModule } from "./workflow-module.ts";
export function createDeliveries(tokenSource) {
  const residents = new Map();
  let handles = 0;
  let work = null;
  const find = (handle) => {
    const resident = residents.get(handle);
    if (!resident) throw new Error(`No run has the handle ${handle}.`);
    return resident;
  };
  const kernel = {
    create(factory, runId, workflowId, seed) {
      handles++;
      residents.set(handles, createResident(factory, { id: runId, workflowId, seed }, tokenSource));
      return handles;
    },
    prepare(handle, type, op, at, payload) {
      const resident = find(handle);
      setCurrentRun(resident.state);
      work = () => deliver(resident, type, op, at, payload);
    },
    take(handle) {
      const { state } = find(handle);
      const out = state.out;
      state.out = [];
      setCurrentRun(null);
      return out;
    },
    leave() {
      work = null;
      setCurrentRun(null);
    },
    setAnswered(handle, ops) {
      find(handle).state.answered = ops === null ? null : new Set(ops.split("\n"));
    },
    drop(handle) {
      residents.delete(handle);
    },
  };
  const pump = () => {
    const next = work;
    work = null;
    next?.();
  };
  return { kernel, pump, busy: () => currentRunOrNull() !== null };
}
/** Makes a run's place, before its first event. */
export function createResident(factory, { id, workflowId, seed }, tokenSource) {
  const state = {
    id,
    workflowId,
    now: 0,
    startedAt: 0,
    random: createRandom(seed),
    occurrences: new Map(),
    steps: new Map(),
    waits: new Map(),
    hooks: new Map(),
    out: [],
    answered: null,
    ended: false,
    tokenFor: (op) => tokenSource(id, op),
  };
  return { factory, state };
}
/** Tells the workflow code of a run what happened. Its reaction follows in microtasks. */
export function deliver(resident, type, op, at, payload) {
  const run = resident.state;
  run.now = Math.max(run.now, at);
  switch (type) {
    case "run_started":
      run.startedAt = run.now;
      start(resident, payload);
      return;
    case "step_completed":
      settlerOf(run.steps, op).resolve(decode(payload));
      return;
    case "step_failed":
      settlerOf(run.steps, op).reject(decode(payload));
      return;
    case "wait_completed":
      settlerOf(run.waits, op).resolve(undefined);
      return;
    case "hook_received": {
      const queue = run.hooks.get(op);
      if (queue) receive(queue, decode(payload));
      return;
    }
    case "hook_conflict": {
      const queue = run.hooks.get(op);
      if (queue) refuse(queue);
      return;
    }
    default:
      throw new Error(`The kernel knows no event "${type}".`);
  }
}
function settlerOf(settlers, op) {
  const settler = settlers.get(op);
  if (!settler) throw new Error(`The workflow did not ask for ${op}.`);
  settlers.delete(op);
  return settler;
}
/** Evaluates the bundle (module state is the run's own) and calls the workflow. */
function start({ state: run, factory }, payload) {
  const end = (kind, text) => {
    if (run.ended) return;
    run.ended = true;
    run.out.push(kind, "", text, "");
  };
  const main = async () => {
    const workflow = factory(Object.create(globalThis))(workflowModule);
    return workflow(...decode(payload));
  };
  main().then(
    (value) => {
      let text;
      try {
        text = encode(value, "result");
      } catch (error) {
        end("failed", encodeThrown(error));
        return;
      }
      end("completed", text);
    },
    (error) => end("failed", encodeThrown(error)),
  );
}
