/**
 * Version 4: successors, and runs that await others.
 *
 * A row per await and not a list in the awaited run: many may await one run, and one run many, and both end. The successor is a uuid, as a parent is.
 */
export const awaits = `
ALTER TABLE runs ADD COLUMN successor TEXT;         -- the uuid of the run that goes on in this one's place

-- Unanswered awaits: both runs are open. In the order in which they are answered.
CREATE TABLE awaits (
  id INTEGER PRIMARY KEY,
  run INTEGER NOT NULL,
  operation TEXT NOT NULL,
  awaited INTEGER NOT NULL   -- runs.id
) STRICT;
CREATE UNIQUE INDEX awaits_operation ON awaits (run, operation);
CREATE INDEX awaits_awaited ON awaits (awaited);
`;
