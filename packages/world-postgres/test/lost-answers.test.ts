// Each call, with a fault at its first statement, its second, and so on: what it answers and what is stored is what it would have been without.

import { Client, Pool } from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Commit, Message, NewRun, World } from "@perdure/world";
import { hasTestPostgres, testPostgres } from "../../../scripts/test-servers.mjs";
import type { Fault } from "./support/link.ts";
import { patience } from "./support/patience.ts";
import { type Proxy, startProxy } from "./support/proxy.ts";
import * as runs from "./support/runs.ts";
import { createStores, type Stores } from "./support/stores.ts";

const { bytes } = runs;
const id = (letter: string): string => `00000000-0000-7000-8000-${letter.repeat(12)}`;
const newRun = (letter: string, fields: Partial<NewRun> = {}): NewRun => runs.newRun({ id: id(letter), ...fields });
const commitOf = (letter: string, base: number, rows: string[], rest: Partial<Commit> = {}): Commit =>
  runs.commitOf(id(letter), "w", base, { rows: rows.map(bytes), ...rest });
const message = (name: string, to: Message["to"]): Message => ({ id: name, to, kind: "wake", payload: bytes(name) });
const done = { patch: { status: "completed", output: bytes("out") } } as const;

/** Worker `w` has a, b (with a hook and a message), c (with a stream), d, e (awaits a); f has the key "k" and no owner. */
async function scene(world: World): Promise<void> {
  await world.heartbeat("w", 60_000);
  await world.createRuns(
    ["a", "b", "c", "d", "e"].map((letter) => newRun(letter)),
    { owner: "w" },
  );
  await world.createRuns([newRun("f", { key: "k" })]);
  await world.commit([
    commitOf("b", 0, ["hook"], { hooks: [{ token: "b's", operation: "hook", metadata: null }] }),
    commitOf("c", 0, ["write"], { chunks: [{ name: "out", data: bytes("1") }] }),
    commitOf("e", 0, ["await"], { awaits: [{ operation: "a", run: { id: id("a") } }], patch: { dueAt: null } }),
  ]);
  await world.deliver([message("m", { runId: id("b") })]);
}

/** A claim, without what it says of histories that nobody had before: after one that was lost somebody had them. */
async function claimUnread(world: World, worker: string): Promise<unknown> {
  const claimed = await world.claim({ worker, limit: 10, leaseMs: 60_000 });
  return { ...claimed, runs: claimed.runs.map(({ run, isTakeover, crashes }) => ({ run, isTakeover, crashes })) };
}

interface Call {
  /** How much later than the scene it is made. */
  readonly afterMs?: number;
  call(world: World): Promise<unknown>;
  /** Removes from an answer what a retry cannot know. */
  loosely?(answer: string): string;
}

const calls: Record<string, Call> = {
  "runs are created": {
    call: async (world) => world.createRuns([newRun("1"), newRun("2", { key: "n" }), newRun("3", { key: "k" }), newRun("1")]),
  },
  "runs with attributes are created for an owner": {
    call: async (world) => world.createRuns([newRun("1", { attributes: { x: 1 } }), newRun("2")], { owner: "w" }),
  },
  "a run replaces another": {
    call: async (world) => world.createRuns([newRun("1", { key: "k", ifKeyExists: "replace" })]),
  },
  "a run's child replaces another": {
    call: async (world) => world.commit([commitOf("a", 0, ["1"], { runs: [newRun("1", { key: "k", ifKeyExists: "replace" })] })]),
  },
  "rows are committed": {
    call: async (world) =>
      world.commit([commitOf("a", 0, ["1"]), commitOf("d", 0, ["1"]), commitOf("c", 0, ["behind"]), commitOf("f", 0, ["no"])]),
  },
  "usual commits of all kinds are made": {
    call: async (world) =>
      world.commit([
        commitOf("a", 0, ["1", "2"], { hooks: [{ token: "b's", operation: "x", metadata: null }] }),
        commitOf("b", 1, ["2"], { consumed: ["m"], disposedHooks: ["hook"], patch: { dueAt: null } }),
        commitOf("c", 1, [], { patch: { note: "waits" } }),
        commitOf("d", 0, ["1"], done),
      ]),
  },
  "a commit touches everything": {
    call: async (world) =>
      world.commit([
        commitOf("d", 0, ["1"], {
          hooks: [
            { token: "b's", operation: "x", metadata: null },
            { token: "d's", operation: "y", metadata: bytes("meta") },
          ],
          chunks: [
            { name: "out", data: bytes("1") },
            { name: "out", data: null },
          ],
          state: [{ key: "s", value: bytes("v") }],
          patch: { attributes: { x: 1 }, dueAt: null },
          runs: [newRun("1"), newRun("2", { key: "k" }), newRun("3", { key: "n", attributes: { y: 2 } })],
          messages: [message("1", { runId: id("a") }), message("2", { key: "k" }), message("3", { token: "b's" })],
          awaits: [
            { operation: "1", run: { id: id("1") } },
            { operation: "2", run: { key: "nobody" } },
          ],
        }),
      ]),
  },
  "commits about other runs are made together": {
    call: async (world) =>
      world.commit([
        commitOf("d", 0, ["1"], {
          runs: [newRun("1", { attributes: { y: 2 } }), newRun("2", { key: "k" }), newRun("3", { key: "n" }), newRun("1")],
          awaits: [
            { operation: "1", run: { id: id("1") } },
            { operation: "2", run: { id: id("f") } },
            { operation: "3", run: { key: "nobody" } },
            { operation: "4", run: { id: id("9") } },
            { operation: "5", run: { id: id("a") } },
          ],
          messages: [message("1", { runId: id("b") }), message("2", { key: "n" })],
          patch: { attributes: { x: 1, z: null }, dueAt: null },
        }),
        commitOf("a", 0, ["end"], done),
        commitOf("b", 1, ["more"], { awaits: [{ operation: "a", run: { id: id("a") } }], consumed: ["m"] }),
        commitOf("c", 0, ["behind"], { runs: [newRun("4")] }),
        commitOf("f", 0, ["no"], { runs: [newRun("5")] }),
        commitOf("e", 1, [], done),
      ]),
  },
  "a run that is awaited ends": { call: async (world) => world.commit([commitOf("a", 0, ["end"], done), commitOf("e", 1, ["more"])]) },
  "a run that is awaited goes on as another": {
    call: async (world) => world.commit([commitOf("a", 0, ["end"], { ...done, successor: newRun("1") })]),
  },
  "a run ends without a row": { call: async (world) => world.commit([commitOf("c", 1, [], done), commitOf("a", 0, [], done)]) },
  "messages are delivered": {
    call: async (world) =>
      world.deliver([
        message("1", { runId: id("a") }),
        message("2", { token: "b's" }),
        message("3", { key: "k" }),
        message("4", { runId: id("9") }),
        message("m", { runId: id("b") }),
      ]),
  },
  "a run is ended": {
    call: async (world) => world.end(id("a"), { status: "cancelled", output: null, note: "enough" }),
    loosely: (answer) => answer.replace("already", "ended"),
  },
  "runs are claimed": {
    call: async (world) => claimUnread(world, "v"),
    loosely: (answer) => answer.replace(/"fence": \d/g, ""),
  },
  "a worker claims runs beside its own": {
    call: async (world) => claimUnread(world, "w"),
    loosely: (answer) => answer.replace(/"fence": \d/g, ""),
  },
  "runs are taken over, and crashes are counted once": {
    afterMs: 61_000,
    call: async (world) => {
      const request = { worker: "v", limit: 10, leaseMs: 60_000 };
      let { runs: claimed } = await world.claim(request);
      // The statement that was lost may be at work still, and hold what it has locked; a claim passes by.
      while (claimed.length === 0) ({ runs: claimed } = await world.claim(request));
      return claimed.map(({ run, crashes }) => ({ run, crashes })).sort((one, other) => (one.run.id < other.run.id ? -1 : 1));
    },
    loosely: (answer) => answer.replace(/"fence": \d/g, ""),
  },
  "streams are appended to": {
    call: async (world) =>
      world.streams.append([
        { runId: id("c"), name: "out", chunks: ["2", "3"].map(bytes), writer: { id: "x", from: 0 } },
        { runId: id("a"), name: "new", chunks: [bytes("1")], close: true, writer: { id: "y", from: 0 } },
        { runId: id("9"), name: "new", chunks: [bytes("1")], writer: { id: "z", from: 0 } },
      ]),
    loosely: (answer) => answer.replace(/"added": \d/g, ""),
  },
  "runs are released": {
    call: async (world) =>
      world.release("w", [
        { runId: id("a"), fence: 1 },
        { runId: id("b"), fence: 1, dueAt: null },
        { runId: id("c"), fence: 7 },
      ]),
  },
  "a worker retires": { call: async (world) => world.retire("w") },
  "a worker starts": { call: async (world) => world.heartbeat("v", 60_000) },
  "code is stored": { call: async (world) => world.code.put("hash", bytes("code")) },
};

const faults: readonly (readonly [string, Fault])[] = [
  ["is lost while the server works on it", "during"],
  ["is executed, and its answer is lost", "after"],
  ["is refused with 40001", { code: "40001", message: "could not serialize" }],
];

interface Outcome {
  readonly answer: string;
  readonly stored: string;
  /** The call's statements up to the fault. */
  readonly statements: readonly { readonly sql: string; readonly place: number }[];
}

/** What is tried at a statement. In the middle of a transaction all comes to the same, so that every fourth one does. */
function faultsAt({ sql, place }: Outcome["statements"][number]): typeof faults {
  if (sql === "COMMIT" || (place === 0 && !sql.startsWith("BEGIN"))) return faults;
  return place % 4 === 0 ? [faults[place % 8 === 0 ? 0 : 2]!] : [];
}

describe.runIf(hasTestPostgres())("the same comes of it, whichever statement is lost, when", () => {
  let admin: Client;
  let proxy: Proxy;
  let pool: Pool;
  let stores: Stores;
  /** The statement of the call that gets a fault. */
  let armed: { at: number; fault: Fault } | undefined;
  let statements: { sql: string; place: number }[] = [];

  beforeAll(async () => {
    const url = await testPostgres();
    admin = new Client(url);
    await admin.connect();
    proxy = await startProxy(url, (sql, place) => {
      if (armed === undefined || sql === "") return "none";
      statements.push({ sql, place });
      if (statements.length <= armed.at) return "none";
      const { fault } = armed;
      armed = undefined;
      return fault;
    });
    pool = new Pool({ connectionString: proxy.url });
    pool.on("error", () => {});
    stores = createStores(url, { pool, notify: false }, () => patience({ count: 0 }));
  });
  afterAll(async () => {
    await admin.end();
    await stores.close();
    await pool.end();
    await proxy.close();
  });

  /** What a call answers and leaves behind, with a fault at one of its statements. */
  async function outcome({ call, afterMs = 0 }: Call, at: number, fault: Fault): Promise<Outcome> {
    const store = await stores.create();
    const world = await store.open();
    await world.setup();
    await scene(world);
    await store.advance(afterMs);
    const ended = new Set<string>();
    world.watch((hint) => void (hint.kind === "ended" && ended.add(hint.runId)));
    armed = { at, fault };
    statements = [];
    const answer = text({ answer: await call(world), ended: [...ended].sort() });
    armed = undefined;
    await world.close();
    const stored = text(await dump(admin));
    await store.cleanup();
    return { answer, stored, statements };
  }

  for (const [title, call] of Object.entries(calls)) {
    const { loosely = (answer: string) => answer } = call;
    test(title, { timeout: 120_000 }, async () => {
      const expected = await outcome(call, Infinity, "none");
      expect(expected.statements.length).toBeGreaterThan(0);
      for (const [at, statement] of expected.statements.entries()) {
        for (const [what, fault] of faultsAt(statement)) {
          const found = await outcome(call, at, fault);
          const where = `statement ${at} (${statement.sql}) ${what}`;
          expect(found.statements, where).toEqual(expected.statements.slice(0, at + 1));
          expect(loosely(found.answer), where).toBe(loosely(expected.answer));
          expect(loosely(found.stored), where).toBe(loosely(expected.stored));
        }
      }
    });
  }
});

/** As text: fields in one order, bytes as hex, and without times, which differ. */
function text(value: unknown): string {
  const plain = (_: string, each: unknown): unknown => {
    if (each instanceof Uint8Array) return Buffer.from(each).toString("hex");
    if (typeof each !== "object" || each === null || Array.isArray(each)) return each;
    return Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)));
  };
  return String(JSON.stringify(value, plain, 1)).replace(/\b1\d{12}\b/g, "then");
}

/** Numbers that sequences gave out, to tries that came to nothing too, or that are chance. */
const given: Readonly<Record<string, readonly string[]>> = {
  attributes: ["number"],
  awaits: ["position"],
  chunks: ["stream"],
  hooks: ["position"],
  messages: ["position", "sender"],
  runs: ["number"],
  stream_writers: ["stream"],
  streams: ["id"],
};

/** All rows of the one store, in the order of their numbers. */
async function dump(admin: Client): Promise<unknown> {
  const tables = [
    "attributes",
    "awaits",
    "chunks",
    "code",
    "history",
    "hooks",
    "messages",
    "runs",
    "state",
    "stream_writers",
    "streams",
    "workers",
  ];
  const parts = tables.map((name) => {
    const numbers = given[name] ?? [];
    const row = `to_jsonb(t) - ARRAY[${numbers.map((column) => `'${column}'`).join(",")}]::text[]`;
    const order = ["runs", "messages", "hooks", "awaits"].includes(name) ? numbers[0] : `(${row})::text`;
    return `(SELECT json_agg(${row} ORDER BY ${order}) FROM "store 0".${name} t) AS ${name}`;
  });
  return (await admin.query(`SELECT ${parts.join(", ")}`)).rows[0];
}
