/**
 * Version 1.
 *
 * One row per run, with its input and output, because each row that a run needs is one more to write: large values go to a TOAST table by themselves and are
 * not copied when the row changes. All ids are UUIDs version 7 in the order of their creation (twice the rate of random ones in a large index). Payloads are
 * bytea: faster and smaller than jsonb, which also refuses valid text.
 *
 * An index costs each insert, and each change of a column that any index names costs all of them: indexes are partial wherever a query allows it.
 */
export const initial = `
-- A worker's lease lasts until lease_until. The id is a hash of the name.
CREATE TABLE @workers (
  id int8 PRIMARY KEY,
  name text NOT NULL,
  lease_until int8 NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE @runs (
  id uuid PRIMARY KEY,
  number int8 GENERATED ALWAYS AS IDENTITY,  -- in order of creation
  owner int8,                                -- workers.id, whose row may be gone
  due_at int8,
  created_at int8 NOT NULL,
  ended_at int8,
  fence int4 NOT NULL,
  claim_length int4 NOT NULL DEFAULT 0,      -- of the history, at the last claim
  crashes int4 NOT NULL DEFAULT 0,
  mail int4 NOT NULL DEFAULT 0,              -- unconsumed messages
  status int2 NOT NULL DEFAULT 0,            -- 0 running, 1 completed, 2 failed, 3 cancelled
  awaited bool NOT NULL DEFAULT false,       -- whether any run may await this one
  workflow text NOT NULL,
  version text NOT NULL,
  key text,
  parent uuid,
  parent_operation text,
  successor uuid,
  note text,
  input bytea NOT NULL,
  output bytea
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
CREATE UNIQUE INDEX runs_key ON @runs (key) WHERE key IS NOT NULL;
-- What a claim looks at: open runs only, so that its cost does not grow with finished ones.
CREATE INDEX runs_free ON @runs (due_at) WHERE owner IS NULL AND due_at IS NOT NULL;
CREATE INDEX runs_owned ON @runs (owner, due_at) WHERE owner IS NOT NULL;
CREATE INDEX runs_mail ON @runs (owner) WHERE mail > 0 AND owner IS NOT NULL;
-- What people look at, newest first.
CREATE UNIQUE INDEX runs_number ON @runs (number);
CREATE INDEX runs_status ON @runs (status, number) WHERE status <> 1;
CREATE INDEX runs_workflow ON @runs (workflow, number);
CREATE INDEX runs_parent ON @runs (parent, number) WHERE parent IS NOT NULL;

-- The fence is the writer's: a retry finds its own rows by it.
CREATE TABLE @history (
  run_id uuid NOT NULL,
  seq int4 NOT NULL,
  fence int4 NOT NULL,
  data bytea NOT NULL,
  PRIMARY KEY (run_id, seq)
) WITH (autovacuum_vacuum_insert_scale_factor = 0.5);

-- In order of delivery. A consumed message keeps its row, so that a second delivery is known, and loses its payload.
CREATE TABLE @messages (
  run_id uuid NOT NULL,
  message text NOT NULL,
  position int8 GENERATED ALWAYS AS IDENTITY,
  kind text NOT NULL,
  operation text,
  payload bytea,
  PRIMARY KEY (run_id, message)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX messages_waiting ON @messages (run_id, position) WHERE payload IS NOT NULL;

CREATE TABLE @hooks (
  token text PRIMARY KEY,
  run_id uuid NOT NULL,
  position int8 GENERATED ALWAYS AS IDENTITY,
  operation text NOT NULL,
  metadata bytea
) WITH (autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX hooks_run ON @hooks (run_id, operation);

-- Unanswered awaits: both runs are open. In the order in which they are answered.
CREATE TABLE @awaits (
  run_id uuid NOT NULL,
  operation text NOT NULL,
  awaited uuid NOT NULL,
  position int8 GENERATED ALWAYS AS IDENTITY,
  PRIMARY KEY (run_id, operation)
) WITH (autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX awaits_awaited ON @awaits (awaited, position);

-- The value is JSON: text, numbers and booleans differ.
CREATE TABLE @attributes (
  run_id uuid NOT NULL,
  name text NOT NULL,
  value text NOT NULL,
  number int8 NOT NULL,                      -- runs.number
  PRIMARY KEY (run_id, name)
);
CREATE INDEX attributes_value ON @attributes (name, value, number);

-- A removed entry keeps its row without a value, so that its version goes on.
CREATE TABLE @state (
  run_id uuid NOT NULL,
  key text NOT NULL,
  version int8 NOT NULL,
  value bytea,
  PRIMARY KEY (run_id, key)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);

CREATE TABLE @streams (
  id int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  run_id uuid NOT NULL,
  name text NOT NULL,
  length int8 NOT NULL DEFAULT 0,
  closed bool NOT NULL DEFAULT false
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
CREATE UNIQUE INDEX streams_name ON @streams (run_id, name);

CREATE TABLE @chunks (
  stream int8 NOT NULL,
  position int8 NOT NULL,
  data bytea NOT NULL,
  PRIMARY KEY (stream, position)
);

-- How many chunks a writer has appended, by which a retry knows its own.
CREATE TABLE @stream_writers (
  stream int8 NOT NULL,
  writer text NOT NULL,
  written int8 NOT NULL,
  PRIMARY KEY (stream, writer)
) WITH (fillfactor = 70);

-- Workflow bundles by the hash of their content.
CREATE TABLE @code (
  hash text PRIMARY KEY,
  bytes bytea NOT NULL
);
`;
