/**
 * Version 4: what a server has beside its own runs when it is one of several (see `src/shards`). On a single server all of it stays empty, and no statement reads it.
 */
export const shards = `
-- Which server has which slots and names; the same on every server, the highest version counts. One row.
CREATE TABLE @topology (
  id int2 PRIMARY KEY DEFAULT 1 CHECK (id = 1),
  version int4 NOT NULL,
  map text NOT NULL
);

-- The runs that have the keys whose home is this server, wherever those runs are.
CREATE TABLE @keys (
  key text PRIMARY KEY,
  run_id uuid NOT NULL,
  reservation uuid,                          -- null: written together with its run
  reserved_at int8
);

-- Tokens are unique in one table: that of their home. A row of a run on another server is a reservation, and there the hook itself.
ALTER TABLE @hooks ADD COLUMN reservation uuid, ADD COLUMN reserved_at int8, ADD COLUMN elsewhere bool NOT NULL DEFAULT false;

-- What became of reservations, on the server where the run is: used by its run, or given up for ever. Of a run that took a key from another one: at the
-- key's home, by the run's own id, so that it does so once.
CREATE TABLE @reservations (
  id uuid PRIMARY KEY,
  used bool NOT NULL,
  replaced uuid                              -- the run that it took the key from
);

-- What transactions of this server mean to others, until it has arrived there.
CREATE TABLE @outbox (
  position int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at int8 NOT NULL,
  kind text NOT NULL,
  data text NOT NULL,                        -- JSON
  payload bytea
) WITH (autovacuum_vacuum_scale_factor = 0.05);
`;
