import type { Connection, Driver, SqlValue, Statement } from "./driver.ts";

type Row = Record<string, SqlValue> | SqlValue[];

interface NodeStatement {
  run(...params: readonly SqlValue[]): { changes: number | bigint; lastInsertRowid: number | bigint };
  get(...params: readonly SqlValue[]): Row | undefined;
  all(...params: readonly SqlValue[]): Row[];
  setReturnArrays?(enabled: boolean): void;
}

interface NodeDatabase {
  exec(sql: string): void;
  prepare(sql: string): NodeStatement;
  close(): void;
}

interface NodeSqlite {
  readonly DatabaseSync: new (location: string) => NodeDatabase;
}

/** The SQLite that is built into Node (22.13 and later), or null where there is none. */
export function loadNodeSqlite(): Driver | null {
  const module = silently(() => process.getBuiltinModule("node:sqlite") as unknown as NodeSqlite | undefined);
  if (module === undefined) return null;
  return {
    name: "node:sqlite",
    open: (location) => connect(new module.DatabaseSync(location)),
    codeOf: (error) => {
      const code = (error as { errcode?: unknown } | null)?.errcode;
      return typeof code === "number" ? code & 0xff : null;
    },
  };
}

/** Node 22 announces the module as experimental when it is first loaded; this hides that one line and no other warning. */
function silently<T>(load: () => T): T {
  const emitWarning = process.emitWarning;
  process.emitWarning = ((warning: string | Error, ...rest: unknown[]) => {
    if (String(warning).startsWith("SQLite is an experimental feature")) return;
    Reflect.apply(emitWarning, process, [warning, ...rest]);
  }) as typeof process.emitWarning;
  try {
    return load();
  } finally {
    process.emitWarning = emitWarning;
  }
}

function connect(database: NodeDatabase): Connection {
  return {
    exec: (sql) => database.exec(sql),
    prepare: (sql) => prepare(database.prepare(sql)),
    close: () => database.close(),
  };
}

function prepare(statement: NodeStatement): Statement {
  // Node 22.16 and later; before, a row is an object whose keys are in the order of the columns.
  statement.setReturnArrays?.(true);
  const values = (row: Row): SqlValue[] => (Array.isArray(row) ? row : Object.values(row));
  return {
    run: (params) => Number(statement.run(...bindable(params)).changes),
    insert: (params) => {
      const { changes, lastInsertRowid } = statement.run(...bindable(params));
      return Number(changes) === 0 ? null : Number(lastInsertRowid);
    },
    get: (params) => {
      const row = statement.get(...bindable(params));
      return row === undefined ? undefined : values(row);
    },
    all: (params) => statement.all(...bindable(params)).map(values),
  };
}

const EMPTY = new Uint8Array(new ArrayBuffer(1), 0, 0);

/** Empty bytes without memory behind them (`new TextEncoder().encode("")`) would be bound as NULL. */
function bindable(params: readonly SqlValue[]): readonly SqlValue[] {
  for (const value of params) {
    if (value instanceof Uint8Array && value.byteLength === 0)
      return params.map((each) => (each instanceof Uint8Array && each.byteLength === 0 ? EMPTY : each));
  }
  return params;
}
