import { join } from "node:path";
import { expect, test } from "vitest";
import { loadDriver } from "../src/driver/load.ts";
import { migrations } from "../src/migrations/index.ts";
import { commitOf, newRun, openWorld, runId, temporaryFolder } from "./store.ts";

const driver = loadDriver();
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A file as version 1 left it: run 1 at work with a row, a hook and a message, run 2 over, run 3 asleep. */
function storeOfVersion1(path: string): void {
  const connection = driver.open(path);
  connection.exec(`
    ${migrations[0]!}
    PRAGMA application_id = ${0x50524452};
    PRAGMA user_version = 1;
    PRAGMA journal_mode = WAL;
    INSERT INTO names VALUES (1, 'app#flow'), (2, 'v1');
    INSERT INTO workers (name, lease_until, place, pid) VALUES ('w1', 9e12, 'elsewhere', 1);
    INSERT INTO runs (fence, owner, due_at, mail, status, workflow, version, created_at, ended_at, uuid, key, note) VALUES
      (1, 1, 5, 1, 'running', 1, 2, 1000, NULL, '${runId(1)}', 'k', NULL),
      (2, NULL, NULL, 0, 'completed', 1, 2, 1001, 1002, '${runId(2)}', NULL, NULL),
      (0, NULL, 9e12, 0, 'running', 1, 2, 1003, NULL, '${runId(3)}', NULL, 'asleep');
    INSERT INTO inputs VALUES (1, x'01'), (2, x'02'), (3, x'03');
    INSERT INTO outputs VALUES (2, x'22');
    INSERT INTO history VALUES (1, 1, 1, x'aa'), (2, 1, 1, x'bb');
    INSERT INTO hooks VALUES ('t', 1, 'op', NULL);
    INSERT INTO messages (run, message, kind, operation, payload) VALUES (1, 'm', 'hook', 'op', x'cc');
  `);
  connection.close();
}

test("a store of version 1 is migrated with all that is in it, and takes what is new", async () => {
  const path = join(temporaryFolder(), "store.db");
  storeOfVersion1(path);
  const world = await openWorld(path);
  const { runs } = await world.query.runs();
  const common = { workflowId: "app#flow", version: "v1", parent: null, attributes: {} };
  expect(runs).toEqual([
    expect.objectContaining({ ...common, id: runId(3), status: "running", note: "asleep", dueAt: 9e12, input: Uint8Array.of(3) }),
    expect.objectContaining({ ...common, id: runId(2), status: "completed", output: Uint8Array.of(0x22), endedAt: 1002 }),
    expect.objectContaining({ ...common, id: runId(1), status: "running", key: "k", owner: "w1", fence: 1 }),
  ]);
  expect(await world.load(runId(1))).toMatchObject({
    rows: [{ seq: 1, data: Uint8Array.of(0xaa) }],
    hooks: [{ token: "t", operation: "op" }],
    messages: [{ id: "m", operation: "op", payload: Uint8Array.of(0xcc) }],
  });
  const state = [{ key: "s", value: bytes("v") }];
  const messages = [{ id: "n", to: { runId: runId(3) }, kind: "wake", payload: bytes("p") }];
  const one = commitOf(1, 1, bytes("row"), { state, messages, consumed: ["m"], patch: { attributes: { plan: "pro" } } });
  expect(await world.commit([one])).toEqual([{ status: "committed", conflicts: [] }]);
  expect((await world.query.runs({ attributes: { plan: "pro" } })).runs).toMatchObject([{ id: runId(1) }]);
  expect(await world.query.state(runId(1))).toEqual([{ ...state[0], version: 1 }]);
  expect((await world.load(runId(3))).messages).toMatchObject([{ id: "n" }]);
  const next = newRun(4, { key: "k", ifKeyExists: "replace", parent: { runId: runId(2), operation: "op" } });
  expect(await world.createRuns([next])).toMatchObject([{ created: true, replaced: runId(1) }]);
  const appended = [{ runId: runId(3), name: "out", chunks: [bytes("c")], writer: { id: "w", from: 0 } }];
  for (const added of [1, 0]) expect(await world.streams.append(appended)).toEqual([{ status: "appended", added, length: 1 }]);
  const child = newRun(5);
  const awaits = [child.id, runId(2)].map((id) => ({ operation: id, run: { id } }));
  await world.createRuns([newRun(6)], { owner: "w1" });
  expect(await world.commit([commitOf(6, 0, bytes("row"), { runs: [child], awaits })])).toMatchObject([{ status: "committed" }]);
  expect((await world.load(runId(6))).messages).toMatchObject([{ id: `ended:${runId(2)}`, payload: bytes("completed\n\x22") }]);
  const goes = commitOf(6, 1, bytes("row"), { patch: { status: "completed" }, successor: newRun(7) });
  expect(await world.commit([goes])).toMatchObject([{ status: "committed" }]);
  expect(await world.query.run({ id: runId(6) })).toMatchObject({ successor: runId(7) });
  expect(await world.query.run({ id: runId(2) })).toMatchObject({ successor: null });
  expect(await world.end(runId(3), { status: "failed", output: null, note: null })).toBe("ended");
});

test("a file that was migrated has the schema of a new one", async () => {
  const folder = temporaryFolder();
  storeOfVersion1(join(folder, "old.db"));
  const schemas = [];
  for (const name of ["old.db", "new.db"]) {
    await (await openWorld(join(folder, name))).close();
    const connection = driver.open(join(folder, name));
    const version = connection.prepare("PRAGMA user_version").get([]);
    const schema = connection.prepare("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY name").all([]);
    schemas.push({ version, schema });
    connection.close();
  }
  expect(schemas[0]).toEqual(schemas[1]);
  expect(schemas[0]!.version).toEqual([migrations.length]);
});

test("several Worlds that open a store of version 1 at once migrate it once", async () => {
  const path = join(temporaryFolder(), "store.db");
  storeOfVersion1(path);
  const worlds = await Promise.all(Array.from({ length: 6 }, () => openWorld(path)));
  for (const world of worlds) expect((await world.query.runs()).runs).toHaveLength(3);
});
