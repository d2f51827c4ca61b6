/**
 * Version 2: the transactions of steps (`transaction()`).
 *
 * A row is inserted by the transaction that it stands for, before the queries of the step, and gets its result before the commit. So a row that can be seen has
 * one, and who inserts the same waits for whoever is at it. Rows are of use for as long as the attempt may be made again: they go with their run.
 */
export const transactions = `
-- The name is '#2' for the second call of an attempt, '=key' for one with a key.
CREATE TABLE @transactions (
  run_id uuid NOT NULL,
  operation text NOT NULL,
  name text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  result bytea,
  PRIMARY KEY (run_id, operation, name)
) WITH (fillfactor = 80, autovacuum_vacuum_insert_scale_factor = 0.5);
`;
