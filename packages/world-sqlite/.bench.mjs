// src/sqlite-world.ts
import { resolve } from "node:path";

// ../world/src/errors.ts
var brand = /* @__PURE__ */ Symbol.for("perdure.WorldError");
var WorldError = class extends Error {
  code;
  hint;
  constructor(code2, message, options) {
    super(`${message} ${options.hint}`, options.cause === void 0 ? void 0 : { cause: options.cause });
    this.code = code2;
    this.hint = options.hint;
    Object.defineProperty(this, brand, { value: true });
  }
  get name() {
    return "WorldError";
  }
  /** Recognises WorldErrors across realms and duplicate installs. */
  static is(value) {
    return typeof value === "object" && value !== null && value[brand] === true;
  }
};

// ../world/src/arguments.ts
var MAX_NAME = 512;
var RUN_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
var UNSTORABLE = /[\0\uD800-\uDFFF]/gu;
var STATUSES = ["running", "completed", "failed", "cancelled"];
function isName(value) {
  return typeof value === "string" && value.length > 0 && value.length <= MAX_NAME && isStorableText(value);
}
function storableText(text) {
  return isStorableText(text) ? text : text.replace(UNSTORABLE, "\uFFFD");
}
function assertNewRuns(runs) {
  for (const run of runs) {
    if (typeof run.id !== "string" || !RUN_ID.test(run.id)) throw invalid("The id of a run", run.id, "a UUID in lower case");
    if (run.key !== null) assertName("The key of a run", run.key);
    assertName("The workflow id of a run", run.workflowId);
    assertName("The version of a run", run.version);
    if (!isBytes(run.input)) throw invalid("The input of a run", run.input, "a Uint8Array");
    if (!isTime(run.dueAt)) throw invalid("The due time of a run", run.dueAt, "whole milliseconds, or null");
  }
}
function assertMessages(messages) {
  for (const message of messages) {
    assertName("The id of a message", message.id);
    assertName("The kind of a message", message.kind);
    if (!isBytes(message.payload)) throw invalid("The payload of a message", message.payload, "a Uint8Array");
  }
}
function assertBatch(commits) {
  if (commits.length < 2) return;
  const seen = /* @__PURE__ */ new Set();
  for (const { runId } of commits) {
    if (seen.has(runId)) throw invalid("The run of a commit", runId, "in a batch only once");
    seen.add(runId);
  }
}
function assertWorker(worker, leaseMs = 1) {
  assertName("The id of a worker", worker);
  if (!Number.isSafeInteger(leaseMs) || leaseMs <= 0) throw invalid("A lease", leaseMs, "a positive number of whole milliseconds");
}
function assertCount(what, value, from, to = Number.MAX_SAFE_INTEGER) {
  if (!Number.isSafeInteger(value) || value < from || value > to) throw invalid(what, value, `a whole number from ${from} to ${to}`);
}
function assertChunks(name, chunks) {
  assertName("The name of a stream", name);
  for (const chunk of chunks) if (!isBytes(chunk)) throw invalid("A chunk of a stream", chunk, "a Uint8Array");
}
function assertCode(hash, bytes) {
  assertName("The hash of a bundle", hash);
  if (!isBytes(bytes)) throw invalid("A bundle", bytes, "a Uint8Array");
}
function commitProblem(commit2) {
  const { base, rows, patch, hooks, disposedHooks, consumed, chunks } = commit2;
  if (!isCount(base)) return invalid("The base of a commit", base, "a whole number");
  for (const row of rows) if (!isBytes(row)) return invalid("A history row", row, "a Uint8Array");
  const list = (hooks?.length ?? 0) + (chunks?.length ?? 0) + (consumed?.length ?? 0) + (disposedHooks?.length ?? 0);
  if (list > 0) {
    const problem = listProblem(commit2);
    if (problem !== null) return problem;
  }
  if (patch === void 0) return null;
  if (patch.status !== void 0 && !STATUSES.includes(patch.status)) return invalid("A status", patch.status, STATUSES.join(", "));
  if (patch.output != null && !isBytes(patch.output)) return invalid("An output", patch.output, "a Uint8Array or null");
  if (patch.note != null && typeof patch.note !== "string") return invalid("A note", patch.note, "text or null");
  if (!isTime(patch.dueAt ?? null)) return invalid("A due time", patch.dueAt, "whole milliseconds, or null");
  return null;
}
function listProblem({ rows, hooks = [], disposedHooks = [], consumed = [], chunks = [] }) {
  for (const hook of hooks) {
    if (!isName(hook.token)) return invalid("The token of a hook", hook.token, NAME_RULE);
    if (!isName(hook.operation)) return invalid("The operation of a hook", hook.operation, NAME_RULE);
    if (hook.metadata !== null && !isBytes(hook.metadata)) return invalid("The metadata of a hook", hook.metadata, "a Uint8Array or null");
  }
  for (const operation of disposedHooks) if (!isName(operation)) return invalid("The operation of a hook", operation, NAME_RULE);
  for (const id of consumed) if (!isName(id)) return invalid("The id of a consumed message", id, NAME_RULE);
  for (const { name, data } of chunks) {
    if (!isName(name)) return invalid("The name of a stream", name, NAME_RULE);
    if (!isBytes(data)) return invalid("A chunk of a stream", data, "a Uint8Array");
  }
  return chunks.length > 0 && rows.length === 0 ? invalid("A commit with stream chunks", "no rows", "a commit with at least one row") : null;
}
var NAME_RULE = `1 to ${MAX_NAME} well-formed characters without NUL`;
function assertName(what, value) {
  if (!isName(value)) throw invalid(what, value, NAME_RULE);
}
function isStorableText(text) {
  return text.search(UNSTORABLE) < 0;
}
function isBytes(value) {
  return value instanceof Uint8Array || Object.prototype.toString.call(value) === "[object Uint8Array]";
}
function isCount(value) {
  return Number.isSafeInteger(value) && value >= 0;
}
function isTime(value) {
  return value === null || Number.isSafeInteger(value);
}
function invalid(what, value, rule) {
  const shown = typeof value === "string" ? JSON.stringify(value.slice(0, 80)) : typeof value === "object" ? typeof value : String(value);
  return new WorldError("WORLD_INVALID_ARGUMENT", `${what} cannot be ${shown}.`, { hint: `It must be ${rule}.` });
}

// ../world/src/hints.ts
function createHints() {
  const listeners = /* @__PURE__ */ new Set();
  const ended = [];
  let due = false;
  let scheduled = false;
  function flush() {
    scheduled = false;
    const hints = ended.splice(0).map((runId) => ({ kind: "ended", runId }));
    if (due) hints.push({ kind: "due" });
    due = false;
    for (const listener of listeners) for (const hint of hints) listener(hint);
  }
  function schedule() {
    if (scheduled || listeners.size === 0) return;
    scheduled = true;
    queueMicrotask(flush);
  }
  return {
    watch(listener) {
      const own = (hint) => listener(hint);
      listeners.add(own);
      return () => void listeners.delete(own);
    },
    due() {
      due = listeners.size > 0;
      schedule();
    },
    ended(runId) {
      if (listeners.size > 0) ended.push(runId);
      schedule();
    }
  };
}

// src/failure.ts
var BUSY = 5;
var LOCKED = 6;
var CORRUPT = 11;
var NOTADB = 26;
var UNAVAILABLE = {
  3: "Check the permissions of the file and its folder.",
  5: "Another process holds the file locked: look for a backup tool or an open transaction in a SQLite shell.",
  6: "Another process holds the file locked: look for a backup tool or an open transaction in a SQLite shell.",
  7: "The process ran out of memory.",
  8: "The file or its folder is read-only.",
  10: "The disk reported an error; look at the system's log.",
  13: "The disk is full: free some space. Nothing was written, and work goes on as soon as there is room.",
  14: "Check that the folder exists and may be written."
};
function isBusy(driver, error) {
  const code2 = driver.codeOf(error);
  return code2 === BUSY || code2 === LOCKED;
}
function isCorrupt(driver, error) {
  const code2 = driver.codeOf(error);
  return code2 === CORRUPT || code2 === NOTADB;
}
function toWorldError(driver, path, error) {
  if (WorldError.is(error)) return error;
  if (isCorrupt(driver, error)) return corrupt(path, error);
  const hint = UNAVAILABLE[driver.codeOf(error) ?? 0];
  if (hint === void 0) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new WorldError("WORLD_UNAVAILABLE", `SQLite cannot use ${path} now (${reason}).`, { hint, cause: error });
}
function corrupt(path, cause) {
  const reason = cause instanceof Error ? cause.message : "it is not a Perdure store";
  return new WorldError("WORLD_CORRUPT", `${path} cannot be used: ${reason}.`, {
    hint: "The file was left as it is. Choose another path, or put a backup in its place.",
    ...cause === void 0 ? {} : { cause }
  });
}
function newer(path, version, known) {
  return new WorldError("WORLD_NEWER", `${path} has schema version ${version}; this release knows versions up to ${known}.`, {
    hint: "The file was left as it is. Install the release of @perdure/world-sqlite that wrote it, or a later one."
  });
}

// src/open.ts
import { mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { pathToFileURL } from "node:url";

// src/migrations/0001-initial.ts
var initial = `
-- Workflow ids and versions, each stored once.
CREATE TABLE names (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
) STRICT;

-- A worker's lease lasts until lease_until. The place is where its process runs, the pid its number there.
CREATE TABLE workers (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,
  lease_until INTEGER NOT NULL,
  place TEXT NOT NULL,
  pid INTEGER NOT NULL
) STRICT;

-- AUTOINCREMENT: processes remember the key of a uuid, so that no key may ever be used again.
CREATE TABLE runs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  fence INTEGER NOT NULL,
  owner INTEGER,                     -- workers.id
  due_at INTEGER,
  mail INTEGER NOT NULL DEFAULT 0,   -- unconsumed messages
  crashes INTEGER NOT NULL DEFAULT 0,
  claim_length INTEGER NOT NULL DEFAULT 0,  -- of the history, at the last claim
  status TEXT NOT NULL,
  workflow INTEGER NOT NULL,         -- names.id
  version INTEGER NOT NULL,          -- names.id
  created_at INTEGER NOT NULL,
  ended_at INTEGER,
  uuid TEXT NOT NULL UNIQUE,
  key TEXT,
  note TEXT
) STRICT;
CREATE UNIQUE INDEX runs_key ON runs (key) WHERE key IS NOT NULL;
-- What a claim looks at: open runs only, so that its cost does not grow with finished ones.
CREATE INDEX runs_free ON runs (due_at) WHERE owner IS NULL AND due_at IS NOT NULL;
CREATE INDEX runs_owned ON runs (owner, due_at) WHERE owner IS NOT NULL;
CREATE INDEX runs_mail ON runs (owner) WHERE mail > 0;
CREATE INDEX runs_status ON runs (status);
CREATE INDEX runs_workflow ON runs (workflow);

CREATE TABLE inputs (
  run INTEGER PRIMARY KEY,
  data BLOB NOT NULL
) STRICT;

CREATE TABLE outputs (
  run INTEGER PRIMARY KEY,
  data BLOB NOT NULL
) STRICT;

-- The fence is the writer's: a retry finds its own rows by it.
CREATE TABLE history (
  run INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  fence INTEGER NOT NULL,
  data BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX history_row ON history (run, seq);

-- In order of delivery. A consumed message keeps its row, so that a second delivery is known, and loses its payload.
CREATE TABLE messages (
  id INTEGER PRIMARY KEY,
  run INTEGER NOT NULL,
  message TEXT NOT NULL,
  kind TEXT NOT NULL,
  operation TEXT,
  payload BLOB
) STRICT;
CREATE UNIQUE INDEX messages_delivered ON messages (run, message);
CREATE INDEX messages_waiting ON messages (run) WHERE payload IS NOT NULL;

CREATE TABLE hooks (
  token TEXT NOT NULL UNIQUE,
  run INTEGER NOT NULL,
  operation TEXT NOT NULL,
  metadata BLOB
) STRICT;
CREATE INDEX hooks_run ON hooks (run, operation);

CREATE TABLE streams (
  id INTEGER PRIMARY KEY,
  run INTEGER NOT NULL,
  name TEXT NOT NULL,
  length INTEGER NOT NULL DEFAULT 0,
  closed INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX streams_name ON streams (run, name);

CREATE TABLE chunks (
  stream INTEGER NOT NULL,
  position INTEGER NOT NULL,
  data BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX chunks_position ON chunks (stream, position);

CREATE TABLE code (
  hash TEXT NOT NULL UNIQUE,
  bytes BLOB NOT NULL
) STRICT;
`;

// src/migrations/index.ts
var migrations = [initial];

// src/retry.ts
async function retryBusy(driver, patienceMs, work) {
  const deadline = performance.now() + patienceMs;
  for (; ; ) {
    try {
      return work();
    } catch (error) {
      if (!isBusy(driver, error) || performance.now() > deadline) throw error;
    }
    await new Promise((resolve2) => setTimeout(resolve2, 1 + Math.random() * 7));
  }
}

// src/open.ts
var APPLICATION_ID = 1347568722;
async function openStore(driver, path, patienceMs) {
  try {
    mkdirSync(dirname(path), { recursive: true });
  } catch (cause) {
    throw new WorldError("WORLD_UNAVAILABLE", `The folder ${dirname(path)} cannot be made.`, { hint: "Check its permissions.", cause });
  }
  let connection = null;
  try {
    await retryBusy(driver, patienceMs, () => recognise(driver, path));
    const opened = connection = driver.open(path);
    const migrated = await retryBusy(driver, patienceMs, () => migrate(opened, path));
    await retryBusy(driver, patienceMs, () => configure(opened, path, migrated));
    return opened;
  } catch (error) {
    connection?.close();
    throw toWorldError(driver, path, error);
  }
}
function sizeOf(path) {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
function recognise(driver, path) {
  if (sizeOf(path) === 0) return;
  const unfinished = sizeOf(`${path}-wal`) > 0 || sizeOf(`${path}-journal`) > 0;
  let connection = null;
  try {
    connection = driver.open(`${pathToFileURL(path).href}?immutable=1&mode=ro`);
    verdict(connection, path);
  } catch (error) {
    if (!(unfinished && isCorrupt(driver, error))) throw error;
  } finally {
    connection?.close();
  }
}
function verdict(connection, path) {
  const application = pragma(connection, "application_id");
  if (application !== APPLICATION_ID) {
    const tables = Number(connection.prepare("SELECT count(*) FROM sqlite_schema").get([])[0]);
    if (application !== 0 || tables > 0) throw corrupt(path);
    return 0;
  }
  const version = Number(pragma(connection, "user_version"));
  if (version > migrations.length) throw newer(path, version, migrations.length);
  return version;
}
function migrate(connection, path) {
  if (verdict(connection, path) === migrations.length) return false;
  connection.exec("BEGIN IMMEDIATE");
  try {
    const version = verdict(connection, path);
    for (const migration of migrations.slice(version)) connection.exec(migration);
    connection.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${migrations.length}; COMMIT`);
    return version < migrations.length;
  } catch (error) {
    rollback(connection);
    throw error;
  }
}
function configure(connection, path, migrated) {
  if (pragma(connection, "journal_mode") !== "wal") connection.prepare("PRAGMA journal_mode = WAL").get([]);
  connection.exec(`
    PRAGMA synchronous = FULL;
    PRAGMA wal_autocheckpoint = 10000; -- 40 MB; at the default of 1,000 grouped inserts lose a tenth and their p99 is four times higher
    PRAGMA journal_size_limit = 67108864;
    PRAGMA cache_size = -32768;
    PRAGMA temp_store = MEMORY;
    PRAGMA busy_timeout = 0; -- waiting is done without blocking the event loop, see retry.ts
  `);
  const [mode, synchronous] = [pragma(connection, "journal_mode"), pragma(connection, "synchronous")];
  if (mode !== "wal" || synchronous !== 2) {
    throw new WorldError("WORLD_UNAVAILABLE", `${path} cannot be made durable (journal_mode ${mode}, synchronous ${synchronous}).`, {
      hint: "Put the file on a local file system: SQLite's write-ahead log needs shared memory and real locks."
    });
  }
  if (migrated) connection.prepare("PRAGMA wal_checkpoint(TRUNCATE)").all([]);
}
function pragma(connection, name) {
  return connection.prepare(`PRAGMA ${name}`).get([])[0];
}
function rollback(connection) {
  try {
    connection.exec("ROLLBACK");
  } catch {
  }
}

// src/database.ts
var MAX_REMEMBERED = 1e5;
function createDatabase(driver, connection, path, patienceMs) {
  const statements = /* @__PURE__ */ new Map();
  const remembered = { run: /* @__PURE__ */ new Map(), name: /* @__PURE__ */ new Map() };
  let closed = false;
  function statement(sql) {
    let prepared = statements.get(sql);
    if (prepared === void 0) statements.set(sql, prepared = connection.prepare(sql));
    return prepared;
  }
  const transaction = {
    run: (sql, params) => statement(sql).run(params),
    get: (sql, params) => statement(sql).get(params),
    all: (sql, params) => statement(sql).all(params),
    key(kind, text, find2) {
      const known = remembered[kind].get(text);
      if (known !== void 0) return known;
      const found = find2();
      if (found !== void 0) remember(remembered[kind], text, found);
      return found;
    }
  };
  function attempt(begin, work) {
    if (closed) throw new WorldError("WORLD_CLOSED", `The World on ${path} is closed.`, { hint: "Create another one." });
    statement(begin).run([]);
    try {
      const result = work(transaction);
      statement("COMMIT").run([]);
      return result;
    } catch (error) {
      rollback(connection);
      remembered.run.clear();
      remembered.name.clear();
      throw error;
    }
  }
  async function transact(begin, work) {
    try {
      return await retryBusy(driver, patienceMs, () => attempt(begin, work));
    } catch (error) {
      throw toWorldError(driver, path, error);
    }
  }
  return {
    read: (work) => transact("BEGIN", work),
    write: (work) => transact("BEGIN IMMEDIATE", work),
    statements: () => [...statements.keys()],
    close() {
      if (closed) return;
      closed = true;
      statements.clear();
      connection.close();
    }
  };
}
function remember(map, text, key) {
  if (map.size >= MAX_REMEMBERED) map.delete(map.keys().next().value);
  map.set(text, key);
}

// src/driver/libsql.ts
import { createRequire } from "node:module";
function loadLibsql() {
  let Database;
  try {
    Database = createRequire(import.meta.url)("libsql");
  } catch {
    return null;
  }
  return {
    name: "libsql",
    open: (location) => connect(new Database(location)),
    codeOf
  };
}
function codeOf(error) {
  const { rawCode, message } = error;
  if (typeof rawCode === "number") return rawCode & 255;
  const failedOpen = /^ConnectionFailed\(.*: (\d+)"\)$/s.exec(String(message));
  return failedOpen === null ? null : Number(failedOpen[1]) & 255;
}
function connect(database) {
  return {
    exec: (sql) => database.exec(sql),
    prepare: (sql) => prepare(database.prepare(sql)),
    close: () => database.close()
  };
}
function prepare(statement) {
  let raw = null;
  const reader = () => raw ??= statement.raw();
  return {
    run: (params) => statement.run(params).changes,
    get: (params) => {
      const row = reader().get(params);
      return row === void 0 ? void 0 : plainBytes(row);
    },
    all: (params) => reader().all(params).map(plainBytes)
  };
}
function plainBytes(row) {
  for (let index = 0; index < row.length; index++) {
    const value = row[index];
    if (value instanceof Uint8Array) row[index] = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  }
  return row;
}

// src/driver/node-sqlite.ts
function loadNodeSqlite() {
  const module = silently(() => process.getBuiltinModule("node:sqlite"));
  if (module === void 0) return null;
  return {
    name: "node:sqlite",
    open: (location) => connect2(new module.DatabaseSync(location)),
    codeOf: (error) => {
      const code2 = error?.errcode;
      return typeof code2 === "number" ? code2 & 255 : null;
    }
  };
}
function silently(load2) {
  const emitWarning = process.emitWarning;
  process.emitWarning = ((warning, ...rest) => {
    if (String(warning).startsWith("SQLite is an experimental feature")) return;
    Reflect.apply(emitWarning, process, [warning, ...rest]);
  });
  try {
    return load2();
  } finally {
    process.emitWarning = emitWarning;
  }
}
function connect2(database) {
  return {
    exec: (sql) => database.exec(sql),
    prepare: (sql) => prepare2(database.prepare(sql)),
    close: () => database.close()
  };
}
function prepare2(statement) {
  statement.setReturnArrays?.(true);
  const values = (row) => Array.isArray(row) ? row : Object.values(row);
  return {
    run: (params) => Number(statement.run(...params).changes),
    get: (params) => {
      const row = statement.get(...params);
      return row === void 0 ? void 0 : values(row);
    },
    all: (params) => statement.all(...params).map(values)
  };
}

// src/driver/load.ts
var loaded = null;
function loadDriver() {
  loaded ??= loadNodeSqlite() ?? loadLibsql();
  if (loaded !== null) return loaded;
  throw new WorldError("WORLD_UNAVAILABLE", `Node ${process.versions.node} has no SQLite, and the package "libsql" is not installed.`, {
    hint: "Use Node 22.13 or later, or run: npm install libsql"
  });
}

// src/hints-by-file.ts
import { realpathSync } from "node:fs";
var byFile = /* @__PURE__ */ new Map();
function joinHints(path) {
  const file = realpathSync(path);
  const shared = byFile.get(file) ?? { hints: createHints(), users: 0 };
  byFile.set(file, shared);
  shared.users += 1;
  return {
    hints: shared.hints,
    leave() {
      shared.users -= 1;
      if (shared.users === 0) byFile.delete(file);
    }
  };
}

// src/operations/records.ts
var SELECT_RUN = `
  SELECT r.uuid, r.key, w.name, v.name, r.status, i.data, o.data, r.note, r.due_at, k.name, r.fence, r.created_at, r.ended_at
  FROM runs r CROSS JOIN names w ON w.id = r.workflow CROSS JOIN names v ON v.id = r.version CROSS JOIN inputs i ON i.run = r.id
    LEFT JOIN outputs o ON o.run = r.id LEFT JOIN workers k ON k.id = r.owner`;
var RUN_BY_ID = `${SELECT_RUN} WHERE r.id = ?1`;
var KEY_OF_UUID = "SELECT id FROM runs WHERE uuid = ?1";
var WORKER = "SELECT id FROM workers WHERE name = ?1";
var NAME = "SELECT id FROM names WHERE name = ?1";
var ADD_NAME = "INSERT INTO names (name) VALUES (?1) RETURNING id";
function toRecord(row) {
  return {
    id: row[0],
    key: row[1],
    workflowId: row[2],
    version: row[3],
    status: row[4],
    input: row[5],
    output: row[6],
    note: row[7],
    dueAt: row[8],
    owner: row[9],
    fence: row[10],
    createdAt: row[11],
    endedAt: row[12]
  };
}
function recordOf(transaction, run) {
  return toRecord(transaction.get(RUN_BY_ID, [run]));
}
function keyOfRun(transaction, uuid2) {
  return transaction.key("run", uuid2, () => transaction.get(KEY_OF_UUID, [uuid2])?.[0]);
}
function existingRun(transaction, uuid2) {
  const run = keyOfRun(transaction, uuid2);
  if (run === void 0) throw new WorldError("RUN_NOT_FOUND", `There is no run ${uuid2}.`, { hint: "Check the id of the run." });
  return run;
}
function keyOfWorker(transaction, worker) {
  return transaction.get(WORKER, [worker])?.[0];
}
function keyOfName(transaction, name) {
  return transaction.key("name", name, () => transaction.get(NAME, [name])?.[0]);
}
function internName(transaction, name) {
  const find2 = () => keyOfName(transaction, name) ?? transaction.get(ADD_NAME, [name])[0];
  return transaction.key("name", name, find2);
}

// src/operations/messages.ts
var HOLDER = "SELECT h.run, h.operation, r.uuid FROM hooks h JOIN runs r ON r.id = h.run WHERE h.token = ?1";
var STATUS = "SELECT status FROM runs WHERE id = ?1";
var WAS_DELIVERED = "SELECT 1 FROM messages WHERE run = ?1 AND message = ?2";
var DELIVER = "INSERT INTO messages (run, message, kind, operation, payload) VALUES (?1, ?2, ?3, ?4, ?5)";
var WAKE = "UPDATE runs SET mail = mail + 1, due_at = min(coalesce(due_at, ?2), ?2) WHERE id = ?1";
var OWNED = `
  SELECT r.uuid, m.message, m.kind, m.operation, m.payload
  FROM runs r CROSS JOIN messages m ON m.run = r.id AND m.payload IS NOT NULL
  WHERE r.owner = ?1 AND r.mail > 0 ORDER BY m.id`;
var WAITING = `
  SELECT ?2, message, kind, operation, payload FROM messages WHERE run = ?1 AND payload IS NOT NULL ORDER BY id`;
var HISTORY = "SELECT seq, data FROM history WHERE run = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3";
var HOOKS = "SELECT token, operation, metadata FROM hooks WHERE run = ?1 ORDER BY rowid";
function deliver(transaction, messages, now) {
  return messages.map((message) => deliverOne(transaction, message, now));
}
function deliverOne(transaction, { id, to, kind, payload }, now) {
  const [run, operation, runId] = "token" in to ? holderOf(transaction, to.token) : [keyOfRun(transaction, to.runId), null, to.runId];
  const status = run === void 0 ? void 0 : transaction.get(STATUS, [run])?.[0];
  if (run === void 0 || status === void 0) return { status: "not_found" };
  if (transaction.get(WAS_DELIVERED, [run, id]) !== void 0) return { status: "duplicate", runId };
  if (status !== "running") return { status: "ended", runId };
  transaction.run(DELIVER, [run, id, kind, operation, payload]);
  transaction.run(WAKE, [run, now]);
  return { status: "delivered", runId };
}
function holderOf(transaction, token) {
  const row = transaction.get(HOLDER, [token]);
  return row === void 0 ? [void 0, null, ""] : [row[0], row[1], row[2]];
}
function ownedMessages(transaction, worker) {
  return transaction.all(OWNED, [worker]).map(toMessage);
}
function load(transaction, runId, after, limit) {
  const run = existingRun(transaction, runId);
  const rows = transaction.all(HISTORY, [run, after, limit ?? -1]);
  const hooks = transaction.all(HOOKS, [run]);
  return {
    rows: rows.map(([seq, data]) => ({ seq, data })),
    hooks: hooks.map(([token, operation, metadata]) => ({ token, operation, metadata })),
    messages: transaction.all(WAITING, [run, runId]).map(toMessage)
  };
}
function toMessage(row) {
  return {
    runId: row[0],
    id: row[1],
    kind: row[2],
    operation: row[3],
    payload: row[4]
  };
}

// src/place.ts
import { randomUUID } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
var place = findPlace();
function findPlace() {
  if (process.platform !== "linux") return `${process.platform}/${hostname()}`;
  try {
    return `${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()}/${readlinkSync("/proc/self/ns/pid")}`;
  } catch {
    return randomUUID();
  }
}
function isGone(where, pid) {
  if (where !== place || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return error.code === "ESRCH";
  }
}

// src/operations/workers.ts
var ADD = "INSERT INTO workers (name, lease_until, place, pid) VALUES (?1, 0, ?2, ?3) RETURNING id";
var RENEW = `
  INSERT INTO workers (name, lease_until, place, pid) VALUES (?1, ?2, ?3, ?4)
  ON CONFLICT (name) DO UPDATE SET lease_until = excluded.lease_until, place = excluded.place, pid = excluded.pid RETURNING id`;
var LEASE = "SELECT id, lease_until, place, pid FROM workers WHERE name = ?1";
var ALL = "SELECT id, lease_until, place, pid FROM workers";
var GIVE_UP_RUNS = "UPDATE runs SET owner = NULL WHERE owner = ?1";
var REMOVE = "DELETE FROM workers WHERE id = ?1";
var OWNS_RUNS = "SELECT 1 FROM runs WHERE owner = ?1 LIMIT 1";
function addWorker(transaction, worker) {
  return transaction.get(ADD, [worker, place, process.pid])[0];
}
function renew(transaction, worker, leaseMs, now) {
  return transaction.get(RENEW, [worker, now + leaseMs, place, process.pid])[0];
}
function freshLease(transaction, worker, leaseMs, now) {
  const row = transaction.get(LEASE, [worker]);
  if (row === void 0) return null;
  const [id, leaseUntil, where, pid] = row;
  const left = leaseUntil - now;
  return left > leaseMs * 2 / 3 && left <= leaseMs && where === place && pid === process.pid ? id : null;
}
function deadWorkers(transaction, except, now) {
  const rows = transaction.all(ALL, []);
  return rows.filter(([id, leaseUntil, where, pid]) => id !== except && (leaseUntil <= now || isGone(where, pid))).map(([id]) => id);
}
function forgetIdle(transaction, dead) {
  for (const worker of dead) if (transaction.get(OWNS_RUNS, [worker]) === void 0) transaction.run(REMOVE, [worker]);
}
function retire(transaction, worker) {
  const key = keyOfWorker(transaction, worker);
  if (key === void 0) return;
  transaction.run(GIVE_UP_RUNS, [key]);
  transaction.run(REMOVE, [key]);
}

// src/operations/claim.ts
var FREE_DUE = `
  SELECT id, due_at FROM runs WHERE owner IS NULL AND due_at IS NOT NULL AND due_at <= ?1 ORDER BY due_at LIMIT ?2`;
var OWNED_DUE = "SELECT id, due_at FROM runs WHERE owner = ?3 AND due_at <= ?1 ORDER BY due_at LIMIT ?2";
var FREE_NEXT = "SELECT min(due_at) FROM runs WHERE owner IS NULL AND due_at IS NOT NULL AND due_at > ?1";
var OWNED_NEXT = "SELECT min(due_at) FROM runs WHERE owner = ?2 AND due_at > ?1";
var TAKE = `
  UPDATE runs SET owner = ?2, fence = fence + 1, claim_length = ?3,
    crashes = CASE WHEN owner IS NULL THEN 0 WHEN claim_length = ?3 THEN crashes + 1 ELSE 1 END
  WHERE id = ?1 RETURNING crashes`;
var LENGTH = "SELECT coalesce(max(seq), 0) FROM history WHERE run = ?1";
function claimNothing(transaction, { worker, limit, leaseMs }, now) {
  const key = freshLease(transaction, worker, leaseMs, now);
  if (key === null) return null;
  const dead = deadWorkers(transaction, key, now);
  if (limit > 0 && findDue(transaction, dead, 1, now).length > 0) return null;
  return { runs: [], messages: ownedMessages(transaction, key), nextDueAt: nextDue(transaction, dead, now) };
}
function claim(transaction, { worker, limit, leaseMs }, now) {
  const key = renew(transaction, worker, leaseMs, now);
  const messages = ownedMessages(transaction, key);
  const dead = deadWorkers(transaction, key, now);
  const runs = findDue(transaction, dead, limit, now).map((run) => take(transaction, run, key));
  forgetIdle(transaction, dead);
  return { runs, messages, nextDueAt: nextDue(transaction, dead, now) };
}
function findDue(transaction, dead, limit, now) {
  if (limit === 0) return [];
  const due = [...transaction.all(FREE_DUE, [now, limit])];
  for (const worker of dead) due.push(...transaction.all(OWNED_DUE, [now, limit, worker]));
  due.sort((a, b) => Number(a[1]) - Number(b[1]));
  return due.slice(0, limit).map(([id]) => id);
}
function take(transaction, run, worker) {
  const length = transaction.get(LENGTH, [run])[0];
  const crashes = transaction.get(TAKE, [run, worker, length])[0];
  return { run: recordOf(transaction, run), crashes };
}
function nextDue(transaction, dead, now) {
  let next = transaction.get(FREE_NEXT, [now])[0];
  for (const worker of dead) {
    const owned = transaction.get(OWNED_NEXT, [now, worker])[0];
    if (owned !== null && (next === null || owned < next)) next = owned;
  }
  return next;
}

// src/operations/code.ts
var PUT = "INSERT INTO code (hash, bytes) VALUES (?1, ?2) ON CONFLICT (hash) DO NOTHING";
var HAS = "SELECT 1 FROM code WHERE hash = ?1";
var GET = "SELECT bytes FROM code WHERE hash = ?1";
function hasCode(transaction, hash) {
  return transaction.get(HAS, [hash]) !== void 0;
}
function putCode(transaction, hash, bytes) {
  transaction.run(PUT, [hash, bytes]);
}
function getCode(transaction, hash) {
  return transaction.get(GET, [hash])?.[0] ?? null;
}

// src/operations/streams.ts
var FIND = "SELECT id, length, closed FROM streams WHERE run = ?1 AND name = ?2";
var ADD2 = "INSERT INTO streams (run, name) VALUES (?1, ?2) RETURNING id, length, closed";
var ADD_CHUNK = "INSERT INTO chunks (stream, position, data) VALUES (?1, ?2, ?3)";
var GROW = "UPDATE streams SET length = length + ?2 WHERE id = ?1";
var CLOSE = "UPDATE streams SET closed = 1 WHERE id = ?1";
var READ = "SELECT data FROM chunks WHERE stream = ?1 AND position >= ?2 ORDER BY position LIMIT ?3";
function appendStream(transaction, ref, chunks) {
  const run = existingRun(transaction, ref.runId);
  if (isClosed(transaction, run, ref.name)) throw streamClosed(ref.runId, ref.name);
  return appendChunks(transaction, run, ref.name, chunks);
}
function appendChunks(transaction, run, name, chunks) {
  const [stream, length] = findOrAdd(transaction, run, name);
  for (const [index, chunk] of chunks.entries()) transaction.run(ADD_CHUNK, [stream, length + index, chunk]);
  if (chunks.length > 0) transaction.run(GROW, [stream, chunks.length]);
  return length;
}
function isClosed(transaction, run, name) {
  return find(transaction, run, name)?.[2] === 1;
}
function closeStream(transaction, ref) {
  const [stream] = findOrAdd(transaction, existingRun(transaction, ref.runId), ref.name);
  transaction.run(CLOSE, [stream]);
}
function readStream(transaction, ref, from, limit) {
  const run = keyOfRun(transaction, ref.runId);
  const stream = run === void 0 ? void 0 : find(transaction, run, ref.name);
  if (stream === void 0) return { chunks: [], next: from, done: false };
  const [id, length, closed] = stream;
  const chunks = transaction.all(READ, [id, from, limit ?? -1]).map(([data]) => data);
  const next = from + chunks.length;
  return { chunks, next, done: closed === 1 && next >= length };
}
function find(transaction, run, name) {
  return transaction.get(FIND, [run, name]);
}
function findOrAdd(transaction, run, name) {
  return find(transaction, run, name) ?? transaction.get(ADD2, [run, name]);
}
function streamClosed(runId, name) {
  return new WorldError("STREAM_CLOSED", `The stream "${name}" of run ${runId} is closed.`, { hint: "Append before closing it." });
}

// src/operations/commit.ts
var MAX_BYTES = 5e8;
var APPEND_FENCED = `
  INSERT INTO history (run, seq, fence, data) SELECT ?1, ?2 + 1, ?3, ?4
  WHERE (SELECT fence FROM runs WHERE id = ?1 AND owner = ?5) = ?3
    AND (SELECT coalesce(max(seq), 0) FROM history WHERE run = ?1) = ?2`;
var APPEND = "INSERT INTO history (run, seq, fence, data) VALUES (?1, ?2, ?3, ?4)";
var STANDING = "SELECT owner, fence, status, (SELECT coalesce(max(seq), 0) FROM history WHERE run = ?1) FROM runs WHERE id = ?1";
var OWN_ROWS = "SELECT count(*) FROM history WHERE run = ?1 AND seq > ?2 AND seq <= ?3 AND fence = ?4";
var CONSUME = "UPDATE messages SET payload = NULL WHERE run = ?1 AND message = ?2 AND payload IS NOT NULL";
var CONSUME_ALL = "UPDATE messages SET payload = NULL WHERE run = ?1 AND payload IS NOT NULL";
var HOLDER2 = "SELECT run, operation FROM hooks WHERE token = ?1";
var RESERVE = "INSERT INTO hooks (token, run, operation, metadata) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (token) DO NOTHING";
var DISPOSE = "DELETE FROM hooks WHERE run = ?1 AND operation = ?2";
var DISPOSE_ALL = "DELETE FROM hooks WHERE run = ?1";
var SET_OUTPUT = "INSERT INTO outputs (run, data) VALUES (?1, ?2) ON CONFLICT (run) DO UPDATE SET data = excluded.data";
var CLEAR_OUTPUT = "DELETE FROM outputs WHERE run = ?1";
var FENCED = { status: "fenced" };
var BEHIND = { status: "behind" };
async function commit(database, commits, now) {
  if (commits.length === 0) return [];
  try {
    return await database.write((transaction) => commitAll(transaction, commits, now(), commitOne));
  } catch (error) {
    if (WorldError.is(error)) throw error;
    return database.write((transaction) => commitAll(transaction, commits, now(), commitAlone));
  }
}
function commitAll(transaction, commits, now, commitEach) {
  const workers2 = /* @__PURE__ */ new Map();
  const writer = {
    transaction,
    now,
    worker(name) {
      let key = workers2.get(name);
      if (key === void 0) workers2.set(name, key = keyOfWorker(transaction, name) ?? -1);
      return key;
    }
  };
  return commits.map((one) => commitEach(writer, one));
}
function commitAlone(writer, commit2) {
  const { transaction } = writer;
  transaction.run("SAVEPOINT alone", []);
  try {
    return commitOne(writer, commit2);
  } catch (error) {
    transaction.run("ROLLBACK TO alone", []);
    return { status: "failed", error: error instanceof Error ? error : new Error(String(error)) };
  } finally {
    transaction.run("RELEASE alone", []);
  }
}
function commitOne(writer, commit2) {
  const problem = commitProblem(commit2) ?? sizeProblem(commit2);
  if (problem !== null) return { status: "failed", error: problem };
  const { transaction } = writer;
  const run = keyOfRun(transaction, commit2.runId);
  if (run === void 0) return FENCED;
  const { fence, base, rows, chunks } = commit2;
  if (rows.length === 0 || chunks !== void 0) {
    const refusal = examine(writer, run, commit2);
    if (refusal !== null) return refusal;
    const closed = chunks?.find(({ name }) => isClosed(transaction, run, name));
    if (closed !== void 0) return { status: "failed", error: streamClosed(commit2.runId, closed.name) };
  }
  if (rows.length > 0) {
    const appended = transaction.run(APPEND_FENCED, [run, base, fence, rows[0], writer.worker(commit2.worker)]);
    if (appended === 0) return examine(writer, run, commit2) ?? BEHIND;
    for (let index = 1; index < rows.length; index++) transaction.run(APPEND, [run, base + index + 1, fence, rows[index]]);
  }
  return { status: "committed", conflicts: applyRest(writer, run, commit2) };
}
function examine({ transaction, worker }, run, commit2) {
  const { fence, base, rows, patch } = commit2;
  const standing = transaction.get(STANDING, [run]);
  if (standing === void 0) return FENCED;
  const [owner, runFence, status, length] = standing;
  const landed = rows.length > 0 ? transaction.get(OWN_ROWS, [run, base, base + rows.length, fence])[0] === rows.length : status !== "running" && status === patch?.status && runFence === fence && length === base;
  if (landed) return { status: "committed", conflicts: status === "running" ? lostHooks(transaction, run, commit2) : [] };
  if (owner === null || owner !== worker(commit2.worker) || runFence !== fence) return FENCED;
  return length === base ? null : BEHIND;
}
function lostHooks(transaction, run, { hooks = [], disposedHooks = [] }) {
  const lost = hooks.filter((hook) => !disposedHooks.includes(hook.operation) && !isHeld(transaction, run, hook));
  return lost.map(({ operation }) => operation);
}
function isHeld(transaction, run, { token, operation }) {
  const holder = transaction.get(HOLDER2, [token]);
  return holder !== void 0 && holder[0] === run && holder[1] === operation;
}
function applyRest(writer, run, commit2) {
  const { transaction, now } = writer;
  const { consumed, chunks, patch } = commit2;
  const conflicts = applyHooks(transaction, run, commit2);
  for (const { name, data } of chunks ?? []) appendChunks(transaction, run, name, [data]);
  let read = 0;
  for (const id of consumed ?? []) read += transaction.run(CONSUME, [run, id]);
  if (patch !== void 0 || read > 0) applyPatch(transaction, run, patch ?? {}, read, now);
  return conflicts;
}
function applyHooks(transaction, run, { hooks = [], disposedHooks = [] }) {
  for (const operation of disposedHooks) transaction.run(DISPOSE, [run, operation]);
  const conflicts = [];
  for (const hook of hooks) {
    const disposed = disposedHooks.includes(hook.operation);
    if (disposed && transaction.get(HOLDER2, [hook.token]) === void 0) continue;
    if (!disposed && transaction.run(RESERVE, [hook.token, run, hook.operation, hook.metadata]) === 1) continue;
    if (!isHeld(transaction, run, hook)) conflicts.push(hook.operation);
  }
  return conflicts;
}
function applyPatch(transaction, run, patch, read, now) {
  const ends = patch.status !== void 0 && patch.status !== "running";
  const set = [];
  const params = [run];
  const assign = (assignment, value) => {
    params.push(value);
    set.push(assignment(params.length));
  };
  if (patch.note !== void 0) assign((n) => `note = ?${n}`, patch.note === null ? null : storableText(patch.note));
  if (ends) {
    assign((n) => `status = ?${n}`, patch.status);
    assign((n) => `ended_at = ?${n}`, now);
    set.push("owner = NULL", "due_at = NULL", "mail = 0");
    transaction.run(CONSUME_ALL, [run]);
    transaction.run(DISPOSE_ALL, [run]);
  } else {
    if (read > 0) assign((n) => `mail = mail - ?${n}`, read);
    if (patch.dueAt !== void 0) {
      params.push(patch.dueAt, read, now);
      const [due, taken, at] = [params.length - 2, params.length - 1, params.length];
      set.push(`due_at = CASE WHEN mail > ?${taken} THEN min(coalesce(?${due}, ?${at}), ?${at}) ELSE ?${due} END`);
    }
  }
  if (patch.output !== void 0) {
    if (patch.output === null) transaction.run(CLEAR_OUTPUT, [run]);
    else transaction.run(SET_OUTPUT, [run, patch.output]);
  }
  if (set.length > 0) transaction.run(`UPDATE runs SET ${set.join(", ")} WHERE id = ?1`, params);
}
function sizeProblem({ rows, patch, chunks, hooks }) {
  let largest = patch?.output?.byteLength ?? 0;
  for (const row of rows) largest = Math.max(largest, row.byteLength);
  for (const { data } of chunks ?? []) largest = Math.max(largest, data.byteLength);
  for (const { metadata } of hooks ?? []) largest = Math.max(largest, metadata?.byteLength ?? 0);
  if (largest <= MAX_BYTES) return null;
  return new WorldError("WORLD_INVALID_ARGUMENT", `A value of ${largest} bytes is too large for SQLite.`, {
    hint: `Keep values below ${MAX_BYTES} bytes: store large data elsewhere, and its address in the run.`
  });
}

// src/operations/runs.ts
var KEY_OF_KEY = "SELECT id FROM runs WHERE key = ?1";
var ADD_RUN = `
  INSERT INTO runs (fence, owner, due_at, status, workflow, version, created_at, uuid, key)
  VALUES (?1, ?2, ?3, 'running', ?4, ?5, ?6, ?7, ?8) RETURNING id`;
var ADD_INPUT = "INSERT INTO inputs (run, data) VALUES (?1, ?2)";
var RELEASE = "UPDATE runs SET owner = NULL WHERE id = ?1 AND owner = ?2 AND fence = ?3";
var RELEASE_UNTIL = `
  UPDATE runs SET owner = NULL, due_at = CASE WHEN mail > 0 THEN min(coalesce(?4, ?5), ?5) ELSE ?4 END
  WHERE id = ?1 AND owner = ?2 AND fence = ?3`;
function createRuns(transaction, runs, owner, now) {
  const worker = owner === null ? null : keyOfWorker(transaction, owner) ?? addWorker(transaction, owner);
  return runs.map((run) => createRun(transaction, run, owner, worker, now));
}
function createRun(transaction, run, owner, worker, now) {
  const existing = keyOfRun(transaction, run.id) ?? (run.key === null ? void 0 : keyOfKey(transaction, run.key));
  if (existing !== void 0) return { run: recordOf(transaction, existing), created: false };
  const workflow = internName(transaction, run.workflowId);
  const version = internName(transaction, run.version);
  const fence = worker === null ? 0 : 1;
  const dueAt = run.dueAt ?? now;
  const id = transaction.get(ADD_RUN, [fence, worker, dueAt, workflow, version, now, run.id, run.key])[0];
  transaction.run(ADD_INPUT, [id, run.input]);
  transaction.key("run", run.id, () => id);
  const { id: uuid2, key, workflowId, version: hash, input } = run;
  const open = { status: "running", output: null, note: null, endedAt: null };
  return { run: { id: uuid2, key, workflowId, version: hash, input, ...open, dueAt, owner, fence, createdAt: now }, created: true };
}
function keyOfKey(transaction, key) {
  return transaction.get(KEY_OF_KEY, [key])?.[0];
}
function release(transaction, worker, leases, now) {
  const owner = keyOfWorker(transaction, worker);
  if (owner === void 0) return;
  for (const { runId, fence, dueAt } of leases) {
    const run = keyOfRun(transaction, runId);
    if (run === void 0) continue;
    if (dueAt === void 0) transaction.run(RELEASE, [run, owner, fence]);
    else transaction.run(RELEASE_UNTIL, [run, owner, fence, dueAt, now]);
  }
}

// src/operations/query.ts
var HOOK = "SELECT r.uuid, h.operation, h.metadata FROM hooks h JOIN runs r ON r.id = h.run WHERE h.token = ?1";
function queryRun(transaction, by) {
  const run = "id" in by ? keyOfRun(transaction, by.id) : keyOfKey(transaction, by.key);
  return run === void 0 ? null : recordOf(transaction, run);
}
function queryRunsById(transaction, ids) {
  return [...new Set(ids)].flatMap((id) => queryRun(transaction, { id }) ?? []);
}
function queryRuns(transaction, { status, workflowId, limit = 100, cursor }) {
  assertCount("The limit of a page of runs", limit, 1, 1e3);
  const conditions = ["r.id < ?1"];
  const params = [cursor === void 0 ? Number.MAX_SAFE_INTEGER : parseCursor(cursor), limit + 1];
  if (workflowId !== void 0) {
    const workflow = keyOfName(transaction, workflowId);
    if (workflow === void 0) return { runs: [], cursor: null };
    params.push(workflow);
    conditions.push(`r.workflow = ?${params.length}`);
  }
  if (status !== void 0) {
    params.push(status);
    conditions.push(`${workflowId === void 0 ? "" : "+"}r.status = ?${params.length}`);
  }
  const columns = SELECT_RUN.replace("SELECT", "SELECT r.id,");
  const rows = transaction.all(`${columns} WHERE ${conditions.join(" AND ")} ORDER BY r.id DESC LIMIT ?2`, params);
  const page = rows.slice(0, limit);
  return { runs: page.map((row) => toRecord(row.slice(1))), cursor: rows.length > limit ? String(page.at(-1)[0]) : null };
}
function queryHook(transaction, token) {
  const row = transaction.get(HOOK, [token]);
  return row === void 0 ? null : { runId: row[0], operation: row[1], metadata: row[2] };
}
function parseCursor(cursor) {
  const position = Number(cursor);
  if (/^\d{1,15}$/.test(cursor)) return position;
  throw new WorldError("WORLD_INVALID_ARGUMENT", `"${cursor}" is not a cursor of this World.`, {
    hint: "Pass the cursor of the page before."
  });
}

// src/sqlite-world.ts
function createSqliteWorld(options) {
  if (options.path === "" || options.path === ":memory:") {
    throw new WorldError("WORLD_INVALID_ARGUMENT", "A SQLite World needs a file.", {
      hint: "Pass the path of a file, or use createMemoryWorld from @perdure/world/memory."
    });
  }
  const store = createStore(resolve(options.path), options.now ?? Date.now, options.patienceMs ?? 3e4);
  return {
    name: "sqlite",
    supports: { processes: true, durable: true },
    setup: store.setup,
    close: store.close,
    now: async () => (store.database(), store.now()),
    watch: store.watch,
    ...lifecycle(store),
    ...workers(store),
    streams: streams(store),
    code: code(store),
    query: query(store)
  };
}
function createStore(path, now, patienceMs) {
  let state = "new";
  let database = null;
  let opening = null;
  const own = createHints();
  let shared = { hints: own, leave: () => {
  } };
  async function open() {
    const driver = loadDriver();
    const connection = await openStore(driver, path, patienceMs);
    if (state === "closed") return connection.close();
    database = createDatabase(driver, connection, path, patienceMs);
    shared = joinHints(path);
    const unwatch = shared.hints.watch((hint) => hint.kind === "due" ? own.due() : own.ended(hint.runId));
    const leave = shared.leave;
    shared.leave = () => (unwatch(), leave());
    state = "open";
  }
  function closed() {
    return new WorldError("WORLD_CLOSED", `The World on ${path} is closed.`, { hint: "Create another one." });
  }
  return {
    now,
    database() {
      if (state === "closed") throw closed();
      if (database !== null) return database;
      throw new WorldError("WORLD_UNAVAILABLE", `The World on ${path} is not open.`, { hint: "Call setup() first." });
    },
    due: () => shared.hints.due(),
    ended: (runId) => shared.hints.ended(runId),
    watch: (listener) => own.watch(listener),
    async setup() {
      if (state === "closed") throw closed();
      if (state === "open") return;
      opening ??= open().finally(() => opening = null);
      await opening;
    },
    async close() {
      state = "closed";
      await opening?.catch(() => {
      });
      shared.leave();
      shared = { hints: own, leave: () => {
      } };
      database?.close();
    }
  };
}
function lifecycle(store) {
  return {
    async createRuns(runs, request) {
      assertNewRuns(runs);
      const owner = request?.owner ?? null;
      if (owner !== null) assertWorker(owner);
      const results = await store.database().write((transaction) => createRuns(transaction, runs, owner, store.now()));
      if (results.some(({ created }) => created)) store.due();
      return results;
    },
    async load(runId, { after = 0, limit } = {}) {
      assertCount("The start of a history page", after, 0);
      if (limit !== void 0) assertCount("The limit of a history page", limit, 1);
      return store.database().read((transaction) => load(transaction, runId, after, limit));
    },
    async commit(commits) {
      assertBatch(commits);
      const results = await commit(store.database(), commits, store.now);
      announceEnds(store, commits, results);
      return results;
    },
    async deliver(messages) {
      assertMessages(messages);
      const results = await store.database().write((transaction) => deliver(transaction, messages, store.now()));
      if (results.some(({ status }) => status === "delivered")) store.due();
      return results;
    },
    async release(worker, leases) {
      assertWorker(worker);
      if (leases.length === 0) return;
      await store.database().write((transaction) => release(transaction, worker, leases, store.now()));
      store.due();
    }
  };
}
function announceEnds(store, commits, results) {
  for (const [index, { runId, patch }] of commits.entries()) {
    const ends = patch?.status !== void 0 && patch.status !== "running";
    if (ends && results[index].status === "committed") store.ended(runId);
  }
}
function workers(store) {
  async function claimRuns(request) {
    assertWorker(request.worker, request.leaseMs);
    assertCount("The limit of a claim", request.limit, 0);
    const database = store.database();
    const nothing = await database.read((transaction) => claimNothing(transaction, request, store.now()));
    return nothing ?? database.write((transaction) => claim(transaction, request, store.now()));
  }
  return {
    claim: claimRuns,
    async heartbeat(worker, leaseMs) {
      assertWorker(worker, leaseMs);
      await store.database().write((transaction) => renew(transaction, worker, leaseMs, store.now()));
    },
    async retire(worker) {
      assertWorker(worker);
      await store.database().write((transaction) => retire(transaction, worker));
      store.due();
    }
  };
}
function streams(store) {
  return {
    async append(ref, chunks) {
      assertChunks(ref.name, chunks);
      return store.database().write((transaction) => appendStream(transaction, ref, chunks));
    },
    async read(ref, from, limit) {
      assertCount("The start of a stream page", from, 0);
      if (limit !== void 0) assertCount("The limit of a stream page", limit, 1);
      return store.database().read((transaction) => readStream(transaction, ref, from, limit));
    },
    async close(ref) {
      assertChunks(ref.name, []);
      await store.database().write((transaction) => closeStream(transaction, ref));
    }
  };
}
function code(store) {
  return {
    async put(hash, bytes) {
      assertCode(hash, bytes);
      const database = store.database();
      if (await database.read((transaction) => hasCode(transaction, hash))) return;
      await database.write((transaction) => putCode(transaction, hash, bytes));
    },
    get: async (hash) => store.database().read((transaction) => getCode(transaction, hash))
  };
}
function query(store) {
  return {
    run: async (by) => store.database().read((transaction) => queryRun(transaction, by)),
    runsById: async (ids) => store.database().read((transaction) => queryRunsById(transaction, ids)),
    runs: async (request) => store.database().read((transaction) => queryRuns(transaction, request ?? {})),
    hook: async (token) => store.database().read((transaction) => queryHook(transaction, token))
  };
}

// .bench.ts
import { mkdtempSync, rmSync } from "node:fs";
var dir = mkdtempSync("/tmp/ws/bench-");
var w = createSqliteWorld({ path: dir + "/s.db" });
await w.setup();
var enc = Buffer.alloc(108, 65);
var uuid = (i) => "01890a5d-ac96-774b-bcce-" + i.toString(16).padStart(12, "0");
await w.heartbeat("w1", 6e5);
var R = 1e3;
var t00 = performance.now();
await w.createRuns(Array.from({ length: R }, (_, i) => ({ id: uuid(i), key: null, workflowId: "app/flows#x", version: "v".repeat(64), input: enc, dueAt: null })), { owner: "w1" });
console.log("createRuns/s", Math.round(R / (performance.now() - t00) * 1e3));
var len = new Array(R).fill(0);
var cur = 0;
var secs = Number(process.argv[2] ?? 2);
for (const n of [1, 100, 500, 1e3]) for (let rep = 0; rep < 2; rep++) {
  let rows = 0;
  const c0 = process.cpuUsage();
  const t0 = performance.now();
  const lat = [];
  while (performance.now() - t0 < secs * 1e3) {
    const batch = [];
    for (let k = 0; k < n; k++) {
      cur = (cur + 1) % R;
      batch.push({ runId: uuid(cur), fence: 1, worker: "w1", base: len[cur]++, rows: [enc] });
    }
    const t = performance.now();
    const res = await w.commit(batch);
    lat.push(performance.now() - t);
    for (const r of res) if (r.status !== "committed") throw new Error(r.status);
    rows += n;
  }
  lat.sort((a, b) => a - b);
  const c = process.cpuUsage(c0);
  console.log(`batch ${n}: cpu/row ${((c.user + c.system) / rows).toFixed(2)} us (sys ${(c.system / rows).toFixed(2)}) wall ${Math.round(rows / (performance.now() - t0) * 1e3).toLocaleString()} rows/s p50 ${lat[lat.length >> 1].toFixed(2)} p99 ${lat[Math.floor(lat.length * 0.99)].toFixed(2)} ms`);
}
for (const n of [100, 500]) {
  let done = 0;
  const t0 = performance.now();
  let id = 1e7 + n * 1e6;
  while (performance.now() - t0 < secs * 1e3) {
    const ids = Array.from({ length: n }, () => uuid(id++));
    await w.createRuns(ids.map((i) => ({ id: i, key: null, workflowId: "app/flows#x", version: "v".repeat(64), input: enc, dueAt: null })), { owner: "w1" });
    await w.commit(ids.map((i) => ({ runId: i, fence: 1, worker: "w1", base: 0, rows: [enc], patch: { status: "completed", output: enc } })));
    done += n;
  }
  console.log(`one-step runs, ${n}: ${Math.round(done / (performance.now() - t0) * 1e3).toLocaleString()} runs/s`);
}
{
  let k = 0;
  const t0 = performance.now();
  while (performance.now() - t0 < 500) {
    await w.claim({ worker: "w1", limit: 10, leaseMs: 6e5 });
    k++;
  }
  console.log("idle claims/s", k * 2);
}
{
  const t0 = performance.now();
  const p = await w.load(uuid(1));
  console.log("load", p.rows.length, "rows", (performance.now() - t0).toFixed(2), "ms");
}
await w.close();
rmSync(dir, { recursive: true });
