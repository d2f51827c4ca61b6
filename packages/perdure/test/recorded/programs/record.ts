/** Runs the programs and exports their histories: what `scripts/record-histories.mjs` calls. */
import { type Run, type RecordedHistory, exportHistory, getHookByToken, getRun, resumeHook, resumeWebhook, start } from "perdure/api";
import { getWorld } from "perdure/runtime";
import { startWorker } from "perdure/worker";
import * as shared from "./shared-workflows.ts";
import { given } from "./steps.ts";
import * as own from "./workflows.ts";

/** What a test must find again beside the history. */
export interface Expected {
  /** `continued`: it goes on in another run. */
  readonly status: "running" | "completed" | "failed" | "cancelled" | "continued";
  /** What it waits for, as `run.waits` said; empty when it is over. */
  readonly waits: readonly object[];
  /** By operation: what the attempts of steps that it waits for were given. */
  readonly inputs: Readonly<Record<string, readonly unknown[]>>;
}

export interface Recording {
  readonly name: string;
  readonly history: RecordedHistory;
  readonly expected: Expected;
}

/** Starts a run and brings it to where it is recorded. Returns its id, or that of another run that is meant. */
type Scene = () => Promise<string>;

async function until(condition: () => Promise<boolean>, what: string): Promise<void> {
  const end = Date.now() + 30_000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`Waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const over = async (run: Run<unknown>): Promise<string> => {
  await run.returnValue.catch(() => undefined);
  return run.runId;
};

const isOpen = (token: string): Promise<void> =>
  until(async () => (await getHookByToken(token).catch(() => null)) !== null, `the hook ${token} is open`);

const waitsFor = (run: Run<unknown>, ...operations: string[]): Promise<void> =>
  until(
    async () => {
      const waits = (await run.waits).map(({ operation }) => operation);
      return operations.every((one) => waits.some((operation) => operation.endsWith(one)));
    },
    `${run.runId} waits for ${operations.join(", ")}`,
  );

/** A run that is recorded while it waits. */
const open = async (run: Run<unknown>, ...operations: string[]): Promise<string> => {
  await waitsFor(run, ...operations);
  return run.runId;
};

/** An attempt has begun. */
const attempted = async (run: Run<unknown>): Promise<string> => {
  await until(async () => [...given.keys()].some((id) => id.startsWith(run.runId)), `a step of ${run.runId} is attempted`);
  return run.runId;
};

const scenes: Readonly<Record<string, Scene>> = {
  steps: async () => over(await start(own.steps, ["a name"])),
  captures: async () => over(await start(own.captures, [3])),
  chance: async () => over(await start(own.chance, [])),
  values: async () => over(await start(own.values, [{ map: new Map([["day", new Date(86_400_000)]]), missing: undefined }])),
  requests: async () => over(await start(own.requests, [])),
  async waits() {
    const run = await start(own.waits, []);
    await until(async () => (await run.waits).some(({ kind, until }) => kind === "wait" && Number(until) > Date.now() + 1e10), "it sleeps");
    await run.wakeUp();
    return over(run);
  },
  async hooks() {
    const taken = await start(own.holder, ["hooks taken"]);
    await isOpen("hooks taken");
    const run = await start(own.hooks, ["hooks"]);
    await isOpen("hooks");
    for (const text of ["one", "two", "enough"]) await resumeHook("hooks", text);
    await isOpen("hooks desk");
    // At once: the last one comes to a hook that is gone by then.
    const asks = ["lamp", "chair", "table"].map((item) => ({
      id: `asks for a ${item}`,
      to: { token: "hooks desk" },
      kind: "ask",
      payload: Buffer.from(`j${JSON.stringify({ item })}`),
    }));
    await (await getWorld()).deliver(asks);
    await until(async () => (await run.read("token")) !== undefined, "it has told its token");
    await resumeHook(String(await run.read("token")), 7);
    await taken.terminate();
    return over(run);
  },
  async webhooks() {
    const run = await start(own.webhooks, ["web"]);
    const request = (body: string): Request =>
      new Request("https://example.test/hook", { method: "POST", body, headers: { "x-order": "7" } });
    await isOpen("web plain");
    await resumeWebhook("web plain", request("[1]"));
    await isOpen("web manual");
    await resumeWebhook("web manual", request("paid"));
    await resumeWebhook("web manual", request("more"));
    return over(run);
  },
  children: async () => over(await start(own.children, ["family"], { id: "family" })),
  async "continued-first"() {
    return over(await start(own.pages, [0, []]));
  },
  async "continued-last"() {
    return over(await start(own.pages, [0, []], { id: "pages" }));
  },
  async cancelled() {
    const run = await start(own.cancelled, ["a name"]);
    await until(async () => (await run.read("ready")) !== undefined, "it is ready");
    await run.cancel({ reason: "the customer left" });
    return over(run);
  },
  deadline: async () => over(await start(own.cancelled, ["late"], { deadline: 300 })),
  async terminated() {
    const run = await start(own.openSleep, []);
    await waitsFor(run, "sleep#1");
    await run.terminate({ reason: "over" });
    return run.runId;
  },
  failed: async () => over(await start(own.leaf, ["a name", true])),
  compensated: async () => over(await start(own.compensated, ["trip"])),
  published: async () => over(await start(own.published, ["a name"])),
  patched: async () => over(await start(own.changed, ["order"])),
  signals: async () => over(await start(own.signals, [])),
  async forked() {
    const run = await start(own.forked, ["root"]);
    await over(run);
    return over(await run.fork({ to: 3 }));
  },
  async rewound() {
    const run = await start(own.mended, ["key"]);
    await over(run);
    await run.rewind();
    return over(run);
  },
  "gave-up": async () => over(await start(own.endless, [])),
  "open-step": async () => attempted(await start(own.openStep, ["a name"])),
  "open-retry": async () => {
    const run = await start(own.openRetry, ["a name"]);
    await until(async () => (await run.waits).some(({ attempt }) => attempt === 2), "its second attempt is to come");
    return attempted(run);
  },
  "open-once": async () => attempted(await start(own.openOnce, ["a name"])),
  "open-progress": async () => {
    const run = await start(own.openProgress, [9]);
    const reported = async (): Promise<boolean> => {
      for await (const { type } of run.events()) if (type === "step_progress") return true;
      return false;
    };
    await until(reported, "its progress is on record");
    return attempted(run);
  },
  "open-sleep": async () => open(await start(own.openSleep, []), "sleep#1"),
  "open-timer": async () => {
    const run = await start(own.openTimer, []);
    await until(async () => (await run.waits).length === 2, "both timers are set");
    return run.runId;
  },
  "open-hooks": async () => open(await start(own.openHooks, ["open hook"]), "hook#1", "hook#2"),
  "open-runs": async () => {
    const other = await start(own.openSleep, [], { id: "other" });
    await waitsFor(other, "sleep#1");
    const run = await start(own.openRuns, ["other"]);
    await until(async () => (await run.waits).filter(({ kind }) => kind === "run").length === 3, "it awaits three runs");
    return run.runId;
  },
  "open-nothing": async () => {
    const run = await start(own.openNothing, []);
    await until(async () => (await run.note)?.includes("waits for nothing") ?? false, "it waits");
    return run.runId;
  },
  "shared-checked": async () => over(await start(shared.checked, ["a"])),
  "shared-open": async () => open(await start(shared.openShared, ["shared hook"]), "hook#1"),
};

/** Runs everything once, on the World of the process. */
export async function recordAll(): Promise<Recording[]> {
  // Where the programs were built is nobody's affair.
  Error.stackTraceLimit = 0;
  const worker = await startWorker({ graceMs: 0, watchdogMs: 500 });
  const recordings: Recording[] = [];
  for (const [name, scene] of Object.entries(scenes)) recordings.push(await record(name, await scene()));
  await worker.stop();
  return recordings;
}

async function record(name: string, id: string): Promise<Recording> {
  const history = await exportHistory(id);
  const isContinued = history.rows.at(-1)?.asks.includes("continued") ?? false;
  // (Of a run that was terminated history knows nothing.)
  const isOver = history.rows.some(({ asks, event }) => event.type === "run_abandoned" || asks.some((ask) => ends.has(ask)));
  const status = isContinued ? "continued" : isOver ? history.status : "running";
  const waits = status === "running" && history.status === "running" ? await getRun(history.id).waits : [];
  const prefix = `${history.key ?? history.id}/`;
  const inputs = waits.flatMap(({ operation }) => {
    const args = given.get(prefix + operation) ?? given.get(`${history.id}/${operation}`);
    return args ? [[operation, args] as const] : [];
  });
  return { name, history, expected: { status, waits, inputs: Object.fromEntries(inputs) } };
}

const ends = new Set(["completed", "failed", "cancelled", "continued"]);
