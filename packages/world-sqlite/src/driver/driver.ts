/** What a column holds. Numbers are whole and safe; booleans and undefined must never be bound (one driver aborts the process on them). */
export type SqlValue = number | string | Uint8Array | null;

/** A prepared statement. Rows are arrays in the order of the columns; every call leaves the statement reset. */
export interface Statement {
  /** Executes; returns how many rows were changed. */
  run(params: readonly SqlValue[]): number;
  /** Executes an INSERT of one row; returns its rowid, or null when a conflict left it out. Cheaper than RETURNING. */
  insert(params: readonly SqlValue[]): number | null;
  get(params: readonly SqlValue[]): readonly SqlValue[] | undefined;
  all(params: readonly SqlValue[]): readonly (readonly SqlValue[])[];
}

/** One connection to one file. Synchronous, as all of SQLite is. */
export interface Connection {
  exec(sql: string): void;
  prepare(sql: string): Statement;
  close(): void;
}

/** A binding of SQLite. The rest of the package sees nothing else of it. */
export interface Driver {
  readonly name: "node:sqlite" | "libsql";
  /** Opens a path or a `file:` URI, creating the file when it is missing (unless the URI forbids it). */
  open(location: string): Connection;
  /** The primary result code (https://www.sqlite.org/rescode.html) of an error that this driver threw, or null. */
  codeOf(error: unknown): number | null;
}
