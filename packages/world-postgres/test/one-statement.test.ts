import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Commit, Delivery, Message, NewRun, World } from "@perdure/world";
import { testPostgres } from "../../../scripts/test-servers.mjs";
import { createPostgresWorld } from "../src/index.ts";
import { bytes, commitOf, newRun } from "./support/runs.ts";

let statements = 0;
/** Counts what is sent. */
class CountingClient extends pg.Client {
  override query(...args: unknown[]): never {
    statements++;
    return (super.query as (...args: unknown[]) => unknown).apply(this, args) as never;
  }
}

const url = await testPostgres();
let pool: pg.Pool;
let world: World;
beforeAll(async () => {
  pool = new pg.Pool({ connectionString: url, Client: CountingClient as never });
  world = createPostgresWorld({ pool, notify: false });
  await world.setup();
  await world.heartbeat("w", 600_000);
});
afterAll(async () => {
  await world.close();
  await pool.end();
});

/** A run of the worker's with a row of history, a message that waits and a hook. */
async function ownedRun(): Promise<string> {
  const run = newRun();
  await world.createRuns([run], { owner: "w" });
  await world.commit([commitOf(run.id, "w", 0, { hooks: [{ token: `held by ${run.id}`, operation: "held", metadata: null }] })]);
  await world.deliver([{ id: "m", to: { runId: run.id }, kind: "wake", payload: bytes("p") }]);
  return run.id;
}

const row = [bytes("row")];
const nothing = { hooks: [], disposedHooks: [], consumed: [], state: [], messages: [], runs: [], awaits: [], chunks: [] };
const shapes: Record<string, (id: string) => Partial<Commit>> = {
  "nothing, which only asks whose the run is": () => ({ rows: [] }),
  "a row": () => ({}),
  "rows and empty lists": () => ({ ...nothing, rows: [...row, ...row] }),
  "when to go on and what it waits for": () => ({ patch: { dueAt: 10 ** 13, note: "sleeps" } }),
  "a hook": (id) => ({ hooks: [{ token: `new of ${id}`, operation: "new", metadata: null }], disposedHooks: [] }),
  "a message that is consumed": () => ({ consumed: ["m"] }),
  "state, one key of it twice": () => ({
    state: [
      { key: "progress", value: bytes("1") },
      { key: "other", value: bytes("x") },
      { key: "progress", value: bytes("2") },
    ],
  }),
  "attributes that are set and removed": () => ({ patch: { attributes: { colour: "red", size: 4, gone: null } } }),
  "a hook that is disposed": () => ({ disposedHooks: ["held"] }),
  "an end": () => ({ consumed: ["m"], patch: { status: "completed", output: bytes("done"), note: null } }),
};

const commitLike = (id: string, shape: string): Commit => commitOf(id, "w", 1, shapes[shape]!(id));

test.each(Object.keys(shapes))("a commit of %s is one statement", async (shape) => {
  const id = await ownedRun();
  statements = 0;
  expect(await world.commit([commitLike(id, shape)])).toEqual([{ status: "committed", conflicts: [] }]);
  expect(statements).toBe(1);
});

test("and so is a batch of all of them", async () => {
  const commits: Commit[] = [];
  for (const shape of Object.keys(shapes)) commits.push(commitLike(await ownedRun(), shape));
  statements = 0;
  expect(await world.commit(commits)).toEqual(commits.map(() => ({ status: "committed", conflicts: [] })));
  expect(statements).toBe(1);
});

test("a key of state that a commit writes twice has its last value, and counts both", async () => {
  const id = await ownedRun();
  await world.commit([commitLike(id, "state, one key of it twice")]);
  const entries = [
    { key: "other", value: bytes("x"), version: 1 },
    { key: "progress", value: bytes("2"), version: 2 },
  ];
  expect((await world.query.state(id)).toSorted((a, b) => (a.key < b.key ? -1 : 1))).toEqual(entries);
});

test("runs and what they begin with are one statement; a token that is taken leaves the beginnings to commits", async () => {
  const hooks = (token: string) => [{ token, operation: "hook#1", metadata: bytes("m") }];
  const sleeper = newRun({ beginning: { rows: row, patch: { dueAt: 10 ** 13, note: "sleeps" } } });
  const waiter = newRun({ beginning: { rows: row, patch: { dueAt: null, release: true }, hooks: hooks("free") } });
  statements = 0;
  const created = await world.createRuns([sleeper, newRun(), waiter], { owner: "w" });
  expect(statements).toBe(1);
  expect(created.map(({ begun }) => begun)).toEqual([
    { status: "committed", conflicts: [] },
    undefined,
    { status: "committed", conflicts: [], released: true },
  ]);
  expect(created.map(({ run }) => run.owner)).toEqual(["w", "w", null]);
  expect((await world.query.hook("free"))?.runId).toBe(waiter.id);

  const late = newRun({ beginning: { rows: row, patch: { dueAt: null }, hooks: hooks("free") } });
  const beside = newRun({ beginning: { rows: row, patch: { dueAt: null } } });
  const again = await world.createRuns([late, beside], { owner: "w" });
  expect(again.map(({ created: isNew, begun }) => [isNew, begun])).toEqual([
    [true, undefined],
    [true, undefined],
  ]);
  expect(await world.commit([commitOf(late.id, "w", 0, { rows: row, hooks: hooks("free") })])).toEqual([
    { status: "committed", conflicts: ["hook#1"] },
  ]);
});

test("a new run is claimed with its empty history, which is not to be loaded", async () => {
  const [fresh, told] = [newRun(), newRun()];
  await world.createRuns([fresh, told]);
  await world.deliver([{ id: "m", to: { runId: told.id }, kind: "wake", payload: bytes("p") }]);
  const { runs } = await world.claim({ worker: "w", limit: 100, leaseMs: 600_000 });
  const pages = new Map(runs.map(({ run, page }) => [run.id, page]));
  expect(pages.get(fresh.id)).toEqual({ rows: [], hooks: [], messages: [] });
  expect(pages.get(told.id)).toBeUndefined();
});

const parentOf = ({ id }: Pick<NewRun, "id">, operation: string): Partial<NewRun> => ({ parent: { runId: id, operation } });

test("however many runs start children and await them, and however many of those end: as many statements as for one", async () => {
  const counted: number[][] = [];
  for (const count of [1, 40]) {
    const parents = Array.from({ length: count }, () => newRun());
    await world.createRuns(parents, { owner: "w" });
    const children = parents.flatMap((parent) =>
      ["a", "b", "c"].map((op) => newRun({ key: `${parent.id} ${op}`, ...parentOf(parent, op) })),
    );
    const childrenOf = (id: string): NewRun[] => children.filter(({ parent }) => parent!.runId === id);
    statements = 0;
    const starts = parents.map(({ id }) =>
      commitOf(id, "w", 0, {
        runs: childrenOf(id),
        awaits: childrenOf(id).map((run) => ({ operation: `await ${run.id}`, run: { id: run.id } })),
        patch: { dueAt: null, attributes: { has: "children" } },
      }),
    );
    expect(await world.commit(starts)).toEqual(starts.map(() => ({ status: "committed", conflicts: [] })));
    const started = statements;
    const { runs } = await world.claim({ worker: "w", limit: 1000, leaseMs: 600_000 });
    expect(new Set(runs.map(({ run }) => run.id))).toEqual(new Set(children.map(({ id }) => id)));
    statements = 0;
    const ends = children.map(({ id }) => commitOf(id, "w", 0, { patch: { status: "completed", output: bytes(id) } }));
    expect(await world.commit(ends)).toEqual(ends.map(() => ({ status: "committed", conflicts: [] })));
    counted.push([started, statements]);
    for (const { id } of parents) {
      const { messages } = await world.load(id);
      const answers = messages.map(({ operation, payload }) => [operation, new TextDecoder().decode(payload)]);
      expect(new Set(answers)).toEqual(new Set(childrenOf(id).map((run) => [`await ${run.id}`, `completed\n${run.id}`])));
      expect((await world.query.run({ id }))?.attributes).toEqual({ has: "children" });
    }
  }
  expect(counted[1]).toEqual(counted[0]);
});

test("of runs that are to be started together, those whose key is taken are named, each in the result of its commit", async () => {
  const [one, two, holder] = [newRun(), newRun(), newRun({ key: "taken" })];
  await world.createRuns([one, two], { owner: "w" });
  await world.createRuns([holder]);
  const [fresh, late, twice] = [newRun({ key: "free" }), newRun({ key: "taken" }), newRun({ key: "free" })];
  const batch = [commitOf(one.id, "w", 0, { runs: [fresh, late] }), commitOf(two.id, "w", 0, { runs: [newRun(), twice] })];
  for (const attempt of ["first", "again"]) {
    expect(await world.commit(batch), attempt).toEqual([
      { status: "committed", conflicts: [], existing: [{ id: late.id, runId: holder.id }] },
      { status: "committed", conflicts: [], existing: [{ id: twice.id, runId: fresh.id }] },
    ]);
  }
});

test("messages that are sent at once are one statement, and each sender has its own answer", async () => {
  const [one, two] = [await ownedRun(), await ownedRun()];
  const keyed = newRun({ key: `key of ${one}` });
  await world.createRuns([keyed]);
  const send = (id: string, to: Message["to"]): Promise<Delivery[]> => world.deliver([{ id, to, kind: "hook", payload: bytes(id) }]);
  statements = 0;
  const sent = await Promise.all([
    send("1", { runId: one }),
    send("2", { token: `held by ${two}` }),
    send("3", { key: `key of ${one}` }),
    world.deliver([4, 5, 6].map((n) => ({ id: `${n}`, to: { token: `held by ${one}` }, kind: "hook", payload: bytes(`${n}`) }))),
  ]);
  expect(statements).toBe(1);
  const delivered = (...runIds: string[]): Delivery[] => runIds.map((runId) => ({ status: "delivered", runId }));
  expect(sent).toEqual([delivered(one), delivered(two), delivered(keyed.id), delivered(one, one, one)]);
  const { messages } = await world.load(one);
  expect(messages.map(({ id, operation }) => [id, operation])).toEqual([
    ["m", null],
    ["1", null],
    ["4", "held"],
    ["5", "held"],
    ["6", "held"],
  ]);
  // What the statement leaves out does not hold up nor confuse the others.
  const again = await Promise.all([
    send("1", { runId: one }),
    send("7", { runId: two }),
    send("7", { runId: two }),
    send("8", { token: "nobody's" }),
    world
      .deliver([{ id: "x\0", to: { runId: two }, kind: "hook", payload: bytes("x") }])
      .catch((error: unknown) => (error as { code: string }).code),
  ]);
  expect(again).toEqual([
    [{ status: "duplicate", runId: one }],
    delivered(two),
    [{ status: "duplicate", runId: two }],
    [{ status: "not_found" }],
    "WORLD_INVALID_ARGUMENT",
  ]);
});

test("many large messages that are sent at once are several statements", async () => {
  const run = await ownedRun();
  const payload = new Uint8Array(4 * 1024 * 1024);
  statements = 0;
  await Promise.all(Array.from({ length: 9 }, (_, n) => world.deliver([{ id: `large ${n}`, to: { runId: run }, kind: "wake", payload }])));
  expect(statements).toBe(3);
  expect((await world.load(run)).messages.length).toBe(10);
});

test("a run that is locked for long keeps its own senders waiting, in their order, and no others", async () => {
  const [locked, free] = [await ownedRun(), await ownedRun()];
  const send = (id: string, runId: string): Promise<Delivery[]> => world.deliver([{ id, to: { runId }, kind: "wake", payload: bytes(id) }]);
  const holder = new pg.Client(url);
  await holder.connect();
  try {
    await holder.query("BEGIN");
    await holder.query("SELECT FROM perdure.runs WHERE id = $1 FOR UPDATE", [locked]);
    const waiting = world.deliver(["1", "2"].map((id) => ({ id, to: { runId: locked }, kind: "wake", payload: bytes(id) })));
    expect(await send("3", free)).toEqual([{ status: "delivered", runId: free }]);
    expect((await world.load(locked)).messages.map(({ id }) => id)).toEqual(["m"]);
    await holder.query("ROLLBACK");
    expect(await waiting).toEqual(["1", "2"].map(() => ({ status: "delivered", runId: locked })));
    expect((await world.load(locked)).messages.map(({ id }) => id)).toEqual(["m", "1", "2"]);
  } finally {
    await holder.end();
  }
});
