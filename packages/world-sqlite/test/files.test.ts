import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createSqliteWorld } from "@perdure/world-sqlite";
import { loadDriver } from "../src/driver/load.ts";
import { commitOf, newRun, openWorld, runId, temporaryFolder } from "./store.ts";

const driver = loadDriver();

async function refusal(path: string): Promise<{ code: string; message: string }> {
  const before = readFileSync(path);
  const world = createSqliteWorld({ path, patienceMs: 500 });
  const error = await world.setup().then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(readFileSync(path).equals(before)).toBe(true);
  for (const suffix of ["-wal", "-shm", "-journal"]) expect(existsSync(path + suffix)).toBe(false);
  return error as { code: string; message: string };
}

function foreignDatabase(path: string, sql: string): void {
  const connection = driver.open(path);
  connection.exec(sql);
  connection.close();
}

test("the folder of the file is made, and an empty file is used", async () => {
  const folder = temporaryFolder();
  await openWorld(join(folder, "a", "b", "store.db"));
  const empty = join(folder, "empty.db");
  writeFileSync(empty, "");
  const world = await openWorld(empty);
  await world.createRuns([newRun(1)]);
});

test("the file of a closed World is whole by itself", async () => {
  const path = join(temporaryFolder(), "store.db");
  const world = await openWorld(path);
  await world.createRuns([newRun(1)]);
  const copy = await openWorld(await closeAndCopy(path, world));
  expect(await copy.query.run({ id: newRun(1).id })).toMatchObject({ status: "running" });
});

test("a file that is not a database is refused and left as it is", async () => {
  for (const content of ["not a database", "x".repeat(100_000), "SQLite format 3\0"]) {
    const path = join(temporaryFolder(), "store.db");
    writeFileSync(path, content);
    expect(await refusal(path)).toMatchObject({ code: "WORLD_CORRUPT" });
  }
});

test("a database of somebody else is refused and left as it is", async () => {
  const statements = ["CREATE TABLE theirs (a); INSERT INTO theirs VALUES (1)", "PRAGMA application_id = 7; CREATE TABLE theirs (a)"];
  for (const sql of [...statements, "PRAGMA user_version = 1; CREATE TABLE runs (id)"]) {
    const path = join(temporaryFolder(), "store.db");
    foreignDatabase(path, sql);
    expect(await refusal(path)).toMatchObject({ code: "WORLD_CORRUPT", message: expect.stringContaining("not a Perdure store") });
  }
});

test("a store of a newer release is refused and left as it is", async () => {
  const path = join(temporaryFolder(), "store.db");
  foreignDatabase(path, `PRAGMA application_id = ${0x50524452}; PRAGMA user_version = 99; CREATE TABLE later (a)`);
  expect(await refusal(path)).toMatchObject({ code: "WORLD_NEWER", message: expect.stringContaining("version 99") });
});

test("a store that was cut short is refused and left as it is", async () => {
  const path = join(temporaryFolder(), "store.db");
  const world = await openWorld(path);
  await world.createRuns(Array.from({ length: 100 }, (_, index) => newRun(index, { input: new Uint8Array(4000) })));
  const copy = await closeAndCopy(path, world);
  truncateSync(copy, Math.floor(statSync(copy).size / 8192) * 4096);
  expect(await refusal(copy)).toMatchObject({ code: "WORLD_CORRUPT" });
});

/** Closes the World and copies its file, which is complete then. */
async function closeAndCopy(path: string, world: { close(): Promise<void> }): Promise<string> {
  await world.close();
  const copy = join(temporaryFolder(), "copy.db");
  copyFileSync(path, copy);
  return copy;
}

test("a damaged page is told when it is met, as WORLD_CORRUPT", async () => {
  const path = join(temporaryFolder(), "store.db");
  const world = await openWorld(path);
  await world.createRuns(Array.from({ length: 500 }, (_, index) => newRun(index)));
  const copy = await closeAndCopy(path, world);
  const content = readFileSync(copy);
  content.fill(0xff, 2 * 4096);
  writeFileSync(copy, content);
  const damaged = createSqliteWorld({ path: copy });
  const use = damaged.setup().then(() => damaged.query.runs({ limit: 1000 }));
  await expect(use).rejects.toMatchObject({ code: "WORLD_CORRUPT" });
  await damaged.close();
});

test("a path in a folder that cannot be made, or that is a folder, is unavailable", async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "file"), "");
  mkdirSync(join(folder, "folder"));
  for (const path of [join(folder, "file", "store.db"), join(folder, "folder")]) {
    const world = createSqliteWorld({ path, patienceMs: 100 });
    await expect(world.setup()).rejects.toMatchObject({ code: "WORLD_UNAVAILABLE" });
  }
});

test.skipIf(process.getuid?.() === 0)("a store that may only be read is unavailable", async () => {
  const path = join(temporaryFolder(), "store.db");
  const copy = await closeAndCopy(path, await openWorld(path));
  chmodSync(copy, 0o400);
  await expect(createSqliteWorld({ path: copy, patienceMs: 100 }).setup()).rejects.toMatchObject({ code: "WORLD_UNAVAILABLE" });
});

test("a World needs a path to a file, and a setup before its first use", async () => {
  for (const path of ["", ":memory:"]) {
    expect(() => createSqliteWorld({ path })).toThrow(expect.objectContaining({ code: "WORLD_INVALID_ARGUMENT" }));
  }
  const world = createSqliteWorld({ path: join(temporaryFolder(), "store.db") });
  await expect(world.now()).rejects.toMatchObject({ code: "WORLD_UNAVAILABLE", message: expect.stringContaining("setup()") });
  await world.close();
});

test("the file is in WAL mode, and each commit is synced", async () => {
  const path = join(temporaryFolder(), "store.db");
  await openWorld(path);
  const connection = driver.open(path);
  expect(connection.prepare("PRAGMA journal_mode").get([])).toEqual(["wal"]);
  expect(connection.prepare("PRAGMA application_id").get([])).toEqual([0x50524452]);
  connection.close();
  expect(readFileSync(path).readUInt32BE(68)).toBe(0x50524452);
});

test("a full disk rejects the batch and writes nothing of it; work goes on when there is room", async () => {
  const path = join(temporaryFolder(), "store.db");
  const limits: { pages: number } = { pages: 0 };
  const world = await openWorldWithLimit(path, limits);
  await world.heartbeat("w1", 60_000);
  await world.createRuns([newRun(1), newRun(2)], { owner: "w1" });
  limits.pages = 40;
  const large = new Uint8Array(1024 * 1024).fill(1);
  const batch = [commitOf(1, 0, new Uint8Array([1])), commitOf(2, 0, large)];
  await expect(world.commit(batch)).rejects.toMatchObject({ code: "WORLD_UNAVAILABLE", message: expect.stringMatching(/full/) });
  expect((await world.load(batch[0]!.runId)).rows).toEqual([]);
  expect(await world.commit([batch[0]!])).toMatchObject([{ status: "committed" }]);
  limits.pages = 100_000;
  expect(await world.commit(batch)).toMatchObject([{ status: "committed" }, { status: "committed" }]);
  expect(Buffer.from((await world.load(batch[1]!.runId)).rows[0]!.data).equals(large)).toBe(true);
});

/** A World whose connection may use no more than `pages`; the limit is set before each transaction. */
async function openWorldWithLimit(path: string, limits: { pages: number }) {
  const open = driver.open;
  driver.open = (location) => {
    const connection = open(location);
    const exec = connection.exec.bind(connection);
    connection.exec = (sql) =>
      exec(sql === "BEGIN IMMEDIATE" && limits.pages > 0 ? `PRAGMA max_page_count = ${limits.pages}; ${sql}` : sql);
    return connection;
  };
  try {
    return await openWorld(path);
  } finally {
    driver.open = open;
  }
}

test("a statement that fails in one commit of a batch fails that commit alone", async () => {
  const path = join(temporaryFolder(), "store.db");
  const world = await openWorld(path);
  await world.heartbeat("w1", 60_000);
  await world.createRuns([newRun(1), newRun(2), newRun(3)], { owner: "w1" });
  const connection = driver.open(path);
  connection.exec("CREATE TRIGGER refuse BEFORE INSERT ON history WHEN new.data = x'bad0' BEGIN SELECT RAISE(ABORT, 'refused'); END");
  connection.close();
  const rows = [new Uint8Array([1]), new Uint8Array([0xba, 0xd0])];
  const bad = { ...commitOf(2, 0, rows[0]!), rows, hooks: [{ token: "t", operation: "o", metadata: null }] };
  const results = await world.commit([commitOf(1, 0, rows[0]!), bad, commitOf(3, 0, rows[0]!, { hooks: bad.hooks })]);
  expect(results.map(({ status }) => status)).toEqual(["committed", "failed", "committed"]);
  expect(results[1]).toMatchObject({ error: { message: expect.stringContaining("refused") } });
  expect((await world.load(bad.runId)).rows).toEqual([]);
  expect(await world.query.hook("t")).toMatchObject({ runId: commitOf(3, 0, rows[0]!).runId });
});

test("a message or a state that fails in one commit of a batch takes that commit with it, and nothing of it is there", async () => {
  const path = join(temporaryFolder(), "store.db");
  const world = await openWorld(path);
  await world.heartbeat("w1", 60_000);
  await world.createRuns([newRun(1), newRun(2), newRun(3)], { owner: "w1" });
  const connection = driver.open(path);
  connection.exec(`
    CREATE TRIGGER refuse_message BEFORE INSERT ON messages WHEN new.message = 'bad' BEGIN SELECT RAISE(ABORT, 'refused'); END;
    CREATE TRIGGER refuse_state BEFORE INSERT ON state WHEN new.key = 'bad' BEGIN SELECT RAISE(ABORT, 'refused'); END`);
  connection.close();
  const row = new Uint8Array([1]);
  const send = (...ids: string[]) => ids.map((id) => ({ id, to: { runId: commitOf(3, 0, row).runId }, kind: "wake", payload: row }));
  const publish = (...keys: string[]) => keys.map((key) => ({ key, value: row }));
  const patch = { attributes: { plan: "pro" } };
  for (const bad of [
    { messages: send("one", "bad"), state: publish("good") },
    { messages: send("two"), state: publish("good", "bad") },
  ]) {
    const base = (await world.load(commitOf(1, 0, row).runId)).rows.length;
    const good = commitOf(1, base, row, { messages: send(`good ${base}`) });
    const results = await world.commit([good, commitOf(2, 0, row, { ...bad, patch }), commitOf(3, base, row)]);
    expect(results.map(({ status }) => status)).toEqual(["committed", "failed", "committed"]);
  }
  const { runId } = commitOf(2, 0, row);
  expect([(await world.load(runId)).rows, await world.query.state(runId)]).toEqual([[], []]);
  expect(await world.query.run({ id: runId })).toMatchObject({ attributes: {} });
  expect((await world.load(commitOf(3, 0, row).runId)).messages).toMatchObject([{ id: "good 0" }, { id: "good 1" }]);
});

test("a run that was started by a commit which then fails is gone, and its place is not taken for another's", async () => {
  const path = join(temporaryFolder(), "store.db");
  const world = await openWorld(path);
  await world.heartbeat("w1", 60_000);
  await world.createRuns([newRun(1), newRun(2), newRun(3)], { owner: "w1" });
  const connection = driver.open(path);
  connection.exec("CREATE TRIGGER refuse BEFORE INSERT ON messages WHEN new.message = 'bad' BEGIN SELECT RAISE(ABORT, 'refused'); END");
  connection.close();
  const row = new Uint8Array([1]);
  const messages = [{ id: "bad", to: { runId: runId(11) }, kind: "wake", payload: row }];
  const results = await world.commit([
    commitOf(1, 0, row, { runs: [newRun(11, { workflowId: "app#gone", key: "k" })], messages }),
    commitOf(2, 0, row, { runs: [newRun(12, { workflowId: "app#other", key: "k" })], awaits: [{ operation: "op", run: { key: "k" } }] }),
    commitOf(3, 0, row, { patch: { status: "completed" }, successor: newRun(13, { workflowId: "app#gone" }) }),
  ]);
  expect(results.map(({ status }) => status)).toEqual(["failed", "committed", "committed"]);
  expect(await world.query.runsById([runId(11), runId(12), runId(13)])).toMatchObject([
    { id: runId(12), workflowId: "app#other", key: "k" },
    { id: runId(13), workflowId: "app#gone" },
  ]);
  await world.deliver([11, 12, 13].map((n) => ({ id: `to ${n}`, to: { runId: runId(n) }, kind: "wake", payload: row })));
  expect((await world.load(runId(12))).messages).toMatchObject([{ id: "to 12" }]);
  expect((await world.load(runId(13))).messages).toMatchObject([{ id: "to 13" }]);
  await world.end(runId(12), { status: "failed", output: row, note: null });
  expect((await world.load(runId(2))).messages).toMatchObject([{ id: "ended:op", operation: "op" }]);
});

test("a value that is too large for SQLite fails its commit alone", async () => {
  const world = await openWorld(join(temporaryFolder(), "store.db"));
  await world.heartbeat("w1", 60_000);
  await world.createRuns([newRun(1), newRun(2)], { owner: "w1" });
  // Never touched, so that it takes no memory.
  const huge = Buffer.allocUnsafe(500_000_001);
  const row = new Uint8Array(1);
  const message = { id: "m", to: { runId: commitOf(2, 0, row).runId }, kind: "wake", payload: huge };
  for (const bad of [
    commitOf(1, 0, huge),
    commitOf(1, 0, row, { messages: [message] }),
    commitOf(1, 0, row, { state: [{ key: "k", value: huge }] }),
    commitOf(1, 0, row, { runs: [newRun(3, { input: huge })] }),
    commitOf(1, 0, row, { patch: { status: "completed" }, successor: newRun(3, { input: huge }) }),
  ]) {
    const { length } = (await world.load(message.to.runId)).rows;
    const results = await world.commit([bad, commitOf(2, length, row)]);
    expect(results.map(({ status }) => status)).toEqual(["failed", "committed"]);
  }
});
