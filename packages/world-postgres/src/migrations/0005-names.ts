/**
 * Version 5: workflow ids and versions once each, and an index less on runs.
 *
 * A run's row is written whenever it changes hands or gets another due time, and all of its indexes with it: 90 bytes of names that never change were the larger
 * part of it, three times. The id of a name is the first eight bytes of its SHA-256, and so the same in every database (`operations/names.ts`).
 * `sha256` is the server's since version 11.
 */

const hash = (column: string): string => `('x' || left(encode(sha256(convert_to(${column}, 'UTF8')), 'hex'), 16))::bit(64)::int8`;

export const names = `
-- Nobody writes a run whose names are not to be read in what follows.
LOCK TABLE @runs IN ACCESS EXCLUSIVE MODE;

-- Not unique: two that write the same new name at once do not wait for each other, and both rows say the same. Rows are never changed nor deleted.
CREATE TABLE @names (
  id int8 NOT NULL,
  name text NOT NULL
);
INSERT INTO @names (id, name)
  SELECT ${hash("name")}, name FROM (SELECT workflow AS name FROM @runs UNION SELECT version FROM @runs) n;
CREATE INDEX names_id ON @names (id);

-- Runs of all statuses, newest first, are merged from four parts of one index.
DROP INDEX @runs_number;
DROP INDEX @runs_status;
ALTER TABLE @runs
  ALTER COLUMN workflow TYPE int8 USING ${hash("workflow")},
  ALTER COLUMN version TYPE int8 USING ${hash("version")};
CREATE INDEX runs_status ON @runs (status, number);
`;
