/**
 * Version 3: writers of streams.
 *
 * One row per writer and stream, and not a column of every chunk: an append proves itself with one look-up and one write, however many chunks it has.
 */
export const streamWriters = `
-- How many chunks a writer has appended, by which a retry knows its own.
CREATE TABLE stream_writers (
  stream INTEGER NOT NULL,
  writer TEXT NOT NULL,
  written INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX stream_writers_writer ON stream_writers (stream, writer);
`;
