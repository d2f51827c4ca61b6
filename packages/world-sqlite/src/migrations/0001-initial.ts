/**
 * Version 1.
 *
 * Integer keys and rowid tables: 1,000 interleaved runs took 170-250,000 grouped history rows/s this way, and 30-50,000 in a table
 * clustered by a text key. The bytes of a run's input and output have tables of their own, because SQLite rewrites a whole record
 * when one column of it changes, and run rows change with every claim.
 */
export const initial = `
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
