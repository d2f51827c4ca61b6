/**
 * Runs a model along a history: each row is given to the model, and what the model asks for then must be what the row says that the workflow asked
 * for. Nothing of the runtime takes part.
 */
import { isDeepStrictEqual } from "node:util";

import { valueOf, type ReadRow } from "./history.ts";
import type { PlannedRun } from "./load.ts";
import type { Expected, Model, ModelApi } from "./models.ts";

/** Where the load's functions live, as the compiler names it. */
const file = "@perdure/bench/crash/workflows.ts";

interface Pending {
  readonly kind: "step" | "wait" | "hook" | "start";
  readonly expected: Expected;
  readonly dueAt: number;
  /** Attempts that have failed so far. */
  failed: number;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** What a history says of its run: what is wrong with it (nothing, if all is well), and what the workflow returned according to the model. */
export interface Replayed {
  readonly problems: readonly string[];
  /** Undefined when the history does not reach the end. */
  readonly value: unknown;
}

export async function replayModel(model: Model, run: PlannedRun, rows: readonly ReadRow[]): Promise<Replayed> {
  const problems: string[] = [];
  const state = createState();
  let value: unknown;
  for (const [index, row] of rows.entries()) {
    const say = (problem: string): void => void problems.push(`row ${index + 1} (${row.type} ${row.op}): ${problem}`);
    if (state.ended) say("comes after the end");
    if (row.at < state.now) say("is older than the row before");
    state.now = Math.max(state.now, row.at);
    if (index > 0) answer(state, row, say);
    else if (row.type === "run_started") void begin(state, model, run, (result) => (value = result));
    else say("is not the start of a run");
    await quiet();
    const asked = state.asked.splice(0);
    if (!isDeepStrictEqual(asked, row.asks)) say(`asks for ${JSON.stringify(row.asks)}, the model for ${JSON.stringify(asked)}`);
  }
  if (!state.ended) problems.push("the history has no end");
  return { problems, value };
}

interface State {
  now: number;
  ended: boolean;
  readonly asked: string[];
  readonly pending: Map<string, Pending>;
  /** The hook's payloads that nobody has taken, and those who wait for one. */
  readonly arrived: unknown[];
  readonly waiting: ((payload: unknown) => void)[];
  readonly counts: Map<string, number>;
}

function createState(): State {
  return { now: 0, ended: false, asked: [], pending: new Map(), arrived: [], waiting: [], counts: new Map() };
}

async function begin(state: State, model: Model, run: PlannedRun, onValue: (value: unknown) => void): Promise<void> {
  onValue(await model(apiOf(state), run));
  state.asked.push("completed");
  state.ended = true;
}

/** Lets all promises that can settle do so. */
function quiet(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function ask(state: State, kind: Pending["kind"], name: string, expected: Expected, dueAt: number): Promise<unknown> {
  const count = (state.counts.get(name) ?? 0) + 1;
  state.counts.set(name, count);
  const op = `${name}#${count}`;
  state.asked.push(`${kind} ${op}`);
  return new Promise((resolve, reject) => state.pending.set(op, { kind, expected, dueAt, failed: 0, resolve, reject }));
}

function apiOf(state: State): ModelApi {
  return {
    step: (name, expected) => ask(state, "step", name.includes("#") ? name : `${file}#${name}`, expected, 0),
    child: (workflow, value) => ask(state, "start", workflow, { value }, 0),
    note: (text) => void state.asked.push(text),
    sleep: (ms) => ask(state, "wait", "sleep", { value: undefined }, state.now + ms),
    hook() {
      void ask(state, "hook", "hook", { value: undefined }, 0);
      return {
        async next(expected) {
          const none = state.arrived.length === 0;
          const payload = none ? await new Promise((resolve) => state.waiting.push(resolve)) : state.arrived.shift();
          if (!isDeepStrictEqual(payload, expected)) throw new Error(`The hook received ${JSON.stringify(payload)}.`);
          return payload;
        },
        dispose() {
          state.asked.push("dispose hook#1");
          state.pending.delete("hook#1");
        },
      };
    },
  };
}

function answer(state: State, row: ReadRow, say: (problem: string) => void): void {
  const pending = state.pending.get(row.op);
  const kinds: Record<string, Pending["kind"]> = {
    step_completed: "step",
    step_failed: "step",
    step_retrying: "step",
    wait_completed: "wait",
    hook_received: "hook",
    run_completed: "start",
  };
  if (!pending || pending.kind !== kinds[row.type]) return say("answers what was not asked for, or was answered before");
  if (pending.kind === "hook") return receive(state, valueOf(row.payload));
  if (pending.kind === "step" && row.attempt !== pending.failed + 1) say(`is attempt ${row.attempt} after ${pending.failed} failed ones`);
  if (row.type === "step_retrying") {
    pending.failed++;
    return;
  }
  state.pending.delete(row.op);
  if (pending.kind === "wait" && row.at < pending.dueAt) say(`comes ${pending.dueAt - row.at} ms early`);
  if (pending.kind === "step" || pending.kind === "start") checkResult(pending, row, say);
  if (pending.expected.failure === undefined) pending.resolve(pending.expected.value);
  else pending.reject(new Error(pending.expected.failure));
}

function receive(state: State, payload: unknown): void {
  const waiting = state.waiting.shift();
  if (waiting) waiting(payload);
  else state.arrived.push(payload);
}

function checkResult({ expected, failed }: Pending, row: ReadRow, say: (problem: string) => void): void {
  if (failed !== (expected.retries ?? 0)) say(`ends after ${failed} retries, not ${expected.retries ?? 0}`);
  if (expected.failure === undefined) {
    const value = valueOf(row.payload);
    if (!row.type.endsWith("_completed") || !isDeepStrictEqual(value, expected.value)) say(`brings ${row.payload}`);
  } else if (row.type !== "step_failed" || !row.payload.includes(expected.failure)) say(`brings ${row.payload}`);
}
