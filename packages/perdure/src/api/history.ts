/** What people see of a run's history. It is read, not replayed: workflow code is not run for it. */
import type { HistoryPage, HookRecord, RunRecord, World } from "@perdure/world";

import { decode } from "../codec/index.ts";
import type { Event } from "../engine/event.ts";
import { decodeRow, type Row } from "../engine/row.ts";
import { createWaitsFold, type OpenOperation } from "../engine/waits.ts";
import { decodeRunInput, toText } from "../run-input.ts";
import { hasFrames, mapFrames } from "../source-positions.ts";
import type { WorkflowBundle, WorkflowInPlace } from "../registry.ts";
import { createBundles } from "../worker/bundles.ts";
import { shortName } from "../worker/note.ts";

/** Something that an open run waits for. */
export interface RunWait {
  /** `step`: an attempt is under way, or to come. `wait`: a `sleep()` or a timer. `hook`: a payload. `run`: the end of a run that this one started or awaits. */
  readonly kind: "step" | "wait" | "hook" | "run";
  /** Unique within the run, as events name it. */
  readonly operation: string;
  /** Of a step its name, of a hook its token, of a run its id, of a wait what it comes from (`sleep`). */
  readonly name: string;
  /** When it was asked for. */
  readonly since: Date;
  /** When a wait is over; when the next attempt of a step may begin. */
  readonly until?: Date;
  /** Of a step: the attempt that is under way or to come, 1 for the first. */
  readonly attempt?: number;
  /** Of a step that has failed before: how many attempts there may be. */
  readonly maxAttempts?: number;
  /** Of a step that has failed before: what the last attempt threw. */
  readonly error?: unknown;
}

/** An event of a run's history. */
export interface RunEvent {
  /** 1, 2, 3 … without holes. */
  readonly seq: number;
  /** `run_started`, `step_completed`, `step_failed`, `step_retrying`, `wait_completed`, `hook_received` … New ones may be added. */
  readonly type: Event["type"];
  readonly at: Date;
  /** What it answers, as {@link RunWait.operation}. */
  readonly operation?: string;
  /** Of a step: which attempt. */
  readonly attempt?: number;
  /** Of `step_retrying`: when the next attempt may begin. */
  readonly nextAttemptAt?: Date;
  /** The run's arguments, a step's result, a hook's payload, the reason of a request: read when it is asked for. */
  readonly value?: unknown;
  /** What an attempt or a run threw: read when it is asked for. */
  readonly error?: unknown;
  /** What the workflow asked for when it was told: `step shop/src/orders.ts#charge#1`, `wait sleep#2`, `completed` … */
  readonly asked: readonly string[];
}

const pageSize = 1000;

/** What an open run waits for, in the order of asking; nothing when it is over. */
export async function waitsOf(world: World, run: RunRecord): Promise<RunWait[]> {
  if (run.status !== "running") return [];
  const fold = createWaitsFold();
  let hooks: readonly HookRecord[] = [];
  for await (const page of pagesOf(world, run.id)) {
    hooks = page.hooks;
    for (const { data } of page.rows) fold.add(decodeRow(toText(data)));
  }
  const tokens = new Map(hooks.map(({ operation, token }) => [operation, token]));
  return fold.open().map((operation) => waitOf(operation, tokens));
}

function waitOf({ kind, op, since, until, attempt, maxAttempts, error, run }: OpenOperation, tokens: ReadonlyMap<string, string>): RunWait {
  const what = op.slice(0, op.lastIndexOf("#"));
  return {
    kind,
    operation: op,
    name: kind === "hook" ? (tokens.get(op) ?? op) : (run ?? shortName(what)),
    since: new Date(since),
    ...(until !== null && { until: new Date(until) }),
    ...(attempt !== null && { attempt }),
    ...(maxAttempts !== null && { maxAttempts }),
    ...(error !== null && { error: decode(error) }),
  };
}

/** The history as it is now, in order, a page at a time. */
export async function* eventsOf(world: World, run: RunRecord): AsyncGenerator<RunEvent, void> {
  const maps = createSourceMaps(world, run);
  for await (const { rows } of pagesOf(world, run.id)) {
    for (const { seq, data } of rows) {
      const row = decodeRow(toText(data));
      yield new EventOfHistory(seq, row, run, hasFrames(row.payload) ? await maps() : null);
    }
  }
}

async function* pagesOf(world: World, runId: string): AsyncGenerator<HistoryPage, void> {
  for (let after = 0; ;) {
    const page = await world.load(runId, { after, limit: pageSize });
    yield page;
    if (page.rows.length < pageSize) return;
    after += page.rows.length;
  }
}

/** The workflow's code, whose map leads from frames to the source; null when it cannot be found. Looked for once. */
function createSourceMaps(world: World, { workflowId, version }: RunRecord): () => Promise<WorkflowBundle | WorkflowInPlace | null> {
  let found: Promise<WorkflowBundle | WorkflowInPlace | null> | null = null;
  return () => (found ??= Promise.resolve(createBundles(world).find(workflowId, version)).catch(() => null));
}

const withErrors: ReadonlySet<Event["type"]> = new Set(["step_failed", "step_retrying", "run_failed", "run_cancelled", "run_abandoned"]);

class EventOfHistory implements RunEvent {
  readonly seq: number;
  readonly type: Event["type"];
  readonly at: Date;
  declare readonly operation?: string;
  declare readonly attempt?: number;
  declare readonly nextAttemptAt?: Date;
  readonly asked: readonly string[];
  readonly #row: Row;
  readonly #run: RunRecord;
  readonly #bundle: WorkflowBundle | WorkflowInPlace | null;

  constructor(seq: number, row: Row, run: RunRecord, bundle: WorkflowBundle | WorkflowInPlace | null) {
    const { event, asks } = row;
    this.seq = seq;
    this.type = event.type;
    this.at = new Date(event.at);
    if ("op" in event) this.operation = event.op;
    if ("attempt" in event) this.attempt = event.attempt;
    if (event.type === "step_retrying") this.nextAttemptAt = new Date(event.dueAt);
    this.asked = asks;
    this.#row = row;
    this.#run = run;
    this.#bundle = bundle;
  }

  get value(): unknown {
    if (this.type === "run_started") return decode(decodeRunInput(this.#run.input).args);
    return withErrors.has(this.type) || this.#row.payload === "" ? undefined : decode(this.#row.payload);
  }

  get error(): unknown {
    if (!withErrors.has(this.type) || this.#row.payload === "") return undefined;
    const error = decode(this.#row.payload);
    if (this.#bundle) mapFrames(error, this.#run.workflowId, this.#bundle);
    return error;
  }
}
