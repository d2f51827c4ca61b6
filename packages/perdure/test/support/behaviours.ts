/**
 * Tables of behaviours: what users may rely on, each in a sentence, with the workflow as text and what must hold. Every row runs on every World, each call of
 * which is checked, and may let the process crash: its worker goes silent at once, its World with it, and another process takes over.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { World } from "@perdure/world";
import { checkedWorld } from "@perdure/world/conformance";
import { createMemoryWorld } from "@perdure/world/memory";
import { createSqliteWorld } from "@perdure/world-sqlite";
import { describe, onTestFinished, test } from "vitest";

import { start, type Run } from "../../src/api/index.ts";
import { FatalError, getStepMetadata } from "../../src/index.ts";
import { step } from "../../src/internal.ts";
import type { StepFunction } from "../../src/registry.ts";
import type { StartOptions } from "../../src/start-options.ts";
import { readRows } from "../../src/worker/replay.ts";
import { workflowOf } from "./bundle.ts";
import { until, useWorld } from "./lab.ts";
import { severable, type Severable } from "./severable.ts";

/** A sentence that matters to a user, and what must hold for it to be true. */
export type Behaviours = Readonly<Record<string, (lab: Lab) => Promise<void>>>;

/** A workflow by its text; what `start()` takes. */
export type Flow = (...args: never[]) => Promise<never>;

export interface Lab {
  /** What the steps `note`, `hang` and `stuck` have done. */
  readonly log: string[];
  /** The World of the process as it is now. */
  readonly world: World;
  /** Makes a step that workflows of this lab may call by its name. */
  step(name: string, fn: (...args: never[]) => unknown, options?: StepFunction["options"]): void;
  /** Makes a workflow. @param code the text of an async function, which finds the steps and workflows made before by their names */
  flow(name: string, code: string): Flow;
  /** Starts a run of a workflow: of one that was made, or of this text. */
  start(workflow: Flow | string, args?: unknown[], options?: StartOptions): Promise<Run<unknown>>;
  /** The process ends without a word. Another one takes over; what is stored on disk is opened again. Promises of before are not settled any more. */
  crash(): Promise<void>;
  /** The process ends in order, and none takes over. */
  shutDown(): Promise<void>;
  /** Another process begins. */
  boot(): Promise<void>;
  /** What history says of a run: types of events, with their operations. */
  history(run: Pick<Run<unknown>, "runId">): Promise<string[]>;
  /** Waits until the log has a line. */
  logged(line: string): Promise<void>;
  /** Waits until a run exists and its note has a text. */
  waits(run: Run<unknown>, text: string): Promise<void>;
}

/** Tests each row on each World. @param notYet rows that do not hold yet: each must fail, and is moved once it does not */
export function onEveryWorld(behaviours: Behaviours, notYet: Behaviours = {}): void {
  describe.each(stores)("on %s", (_, createStore) => {
    const holdsInLab = async (_sentence: string, holds: Behaviours[string]): Promise<void> => holds(await createLab(createStore()));
    test.each(Object.entries(behaviours))("%s", { timeout: 30_000 }, holdsInLab);
    test.fails.each(Object.entries(notYet))("%s", { timeout: 30_000 }, holdsInLab);
  });
}

/** The clock of this machine jumps by so much, until the test is over. */
export function setClock(byMs: number): void {
  aheadMs += byMs;
  Date.now = () => hostNow() + aheadMs;
  onTestFinished(() => {
    aheadMs = 0;
    Date.now = hostNow;
  });
}

const hostNow = Date.now;
let aheadMs = 0;

/** What outlives a process. */
interface Store {
  /** As a new process sees it, after the one before has ended. */
  open(): Promise<World>;
}

/** The clock that is in force, which a test may set. */
const now = (): number => Date.now();

const stores: [name: string, create: () => Store][] = [
  [
    "memory",
    () => {
      const world = createMemoryWorld({ now });
      return { open: async () => world };
    },
  ],
  ["SQLite", createFile],
];

function createFile(): Store {
  const folder = mkdtempSync(join(tmpdir(), "perdure-behaviour-"));
  let world: World | null = null;
  onTestFinished(async () => {
    await world?.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    async open() {
      await world?.close();
      world = createSqliteWorld({ path: join(folder, "world.db"), now });
      await world.setup();
      return world;
    },
  };
}

let labs = 0;

async function createLab(store: Store): Promise<Lab> {
  const prefix = `lab${++labs}`;
  const log: string[] = [];
  const declarations = ["const{FatalError,RetryableError,CancelledError,TimeoutError}=__perdure;"];
  let inner = await store.open();
  let wire: Severable;
  let worker: Awaited<ReturnType<typeof useWorld>>["worker"];

  async function boot(): Promise<void> {
    inner = await store.open();
    wire = severable(checkedWorld(inner));
    ({ worker } = await useWorld({}, wire.world));
  }

  function makeStep(name: string, fn: (...args: never[]) => unknown, options?: StepFunction["options"]): void {
    const own = async (...args: never[]): Promise<unknown> => fn(...args);
    step(`${prefix}#${name}`, Object.assign(own, options && { options }), name);
    declarations.push(`async function ${name}(...$args){return callStep("${prefix}#${name}",$args)}`);
  }

  function flow(name: string, code: string): Flow {
    const made = workflowOf(`${prefix}#${name}`, `(()=>{${declarations.join("")}return ${code}})()`);
    declarations.push(`async function ${name}(){"perdure:workflow ${encodeURIComponent(`${prefix}#${name}`)}"}`);
    return made as unknown as Flow;
  }

  const lab: Lab = {
    log,
    get world() {
      return wire.world;
    },
    step: makeStep,
    flow,
    start: (workflow, args = [], options = {}) =>
      start((typeof workflow === "string" ? flow(`flow${declarations.length}`, workflow) : workflow) as never, args as never, options),
    async crash() {
      wire.sever();
      await worker.stop();
      await wire.idle();
      await inner.heartbeat(worker.id, 1);
      await boot();
    },
    async shutDown() {
      await worker.stop();
    },
    boot,
    async history({ runId }) {
      const run = (await wire.world.query.run({ key: runId })) ?? (await wire.world.query.run({ id: runId }));
      const { rows } = await wire.world.load(run?.id ?? runId);
      return readRows(rows).map(({ event }) => ("op" in event ? `${event.type} ${event.op.replace(`${prefix}#`, "")}` : event.type));
    },
    logged: (line) => until(() => log.includes(line), `the log has "${line}", not ${JSON.stringify(log)}`),
    waits: (run, text) => until(async () => (await run.note.catch(() => null))?.includes(text) ?? false, `the run waits for ${text}`),
  };
  addUsualSteps(lab);
  await boot();
  return lab;
}

function addUsualSteps({ step: add, log }: Lab): void {
  add("note", (text: string) => (log.push(text), text));
  add("fail", (text: string) => {
    log.push(text);
    throw new FatalError(text);
  });
  // Goes on until it is told to end.
  add("hang", async (text: string) => {
    log.push(`begin ${text}`);
    const { signal } = getStepMetadata();
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    log.push(`told ${text}`);
    throw signal.reason;
  });
  // Never ends the first time, as when the process crashes in it.
  add("stuck", async (text: string) => {
    const isFirst = !log.includes(`stuck ${text}`);
    log.push(`stuck ${text}`);
    if (isFirst) await new Promise(() => undefined);
    return text;
  });
}
