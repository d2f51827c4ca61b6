/**
 * Version 2: parents, attributes, published state.
 *
 * A parent is a column, for it never changes and most runs have none; its index holds children only. Attributes have a table of their own, whose
 * second index finds the runs with a value in the order of their creation, newest first, without sorting.
 */
export const searchAndState = `
ALTER TABLE runs ADD COLUMN parent TEXT;            -- a run's uuid, which need not be here
ALTER TABLE runs ADD COLUMN parent_operation TEXT;
CREATE INDEX runs_parent ON runs (parent) WHERE parent IS NOT NULL;

-- The value is JSON: text, numbers and booleans differ.
CREATE TABLE attributes (
  run INTEGER NOT NULL,
  name TEXT NOT NULL,
  value TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX attributes_name ON attributes (run, name);
CREATE INDEX attributes_value ON attributes (name, value, run);

-- A removed entry keeps its row without a value, so that its version goes on.
CREATE TABLE state (
  run INTEGER NOT NULL,
  key TEXT NOT NULL,
  version INTEGER NOT NULL,
  value BLOB
) STRICT;
CREATE UNIQUE INDEX state_key ON state (run, key);
`;
