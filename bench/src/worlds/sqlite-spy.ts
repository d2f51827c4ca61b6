import { openSqliteFile } from "./sqlite-driver.ts";

/** The parts of a binding that the World uses; both bindings have them. */
interface Binding {
  exec(sql: string): void;
  prepare(sql: string): Statement;
}

type Statement = Record<"run" | "get" | "all", (...params: unknown[]) => unknown>;

/** What all connections of this process have done since {@link spyOnSqlite} was called. */
export interface Spy {
  readonly statements: number;
  /** Transactions that changed something. */
  readonly commits: number;
  /** Rows inserted, updated and deleted. */
  readonly rows: number;
}

/**
 * Listens in on the binding, because SQLite counts changes for each connection by itself, and the World's are its own. For the rest of the process: call it
 * before the World is opened.
 */
export function spyOnSqlite(): Spy {
  const { connection } = openSqliteFile(":memory:");
  const database = Object.getPrototypeOf(connection) as Binding;
  const statement = Object.getPrototypeOf(connection.prepare("SELECT 1")) as Statement;
  connection.close();
  const { exec, prepare } = database;
  const { get } = statement;
  const readers = new Map<Binding, () => number>();
  const changesAtCommit = new Map<Binding, number>();
  let [statements, commits] = [0, 0];

  function changesOf(connection: Binding): number {
    let reader = readers.get(connection);
    if (!reader) {
      const prepared = prepare.call(connection, "SELECT total_changes() AS changes");
      reader = () => (get.call(prepared) as { changes: number }).changes;
      readers.set(connection, reader);
    }
    return reader();
  }

  database.exec = function counted(this: Binding, sql) {
    statements++;
    exec.call(this, sql);
    if (sql !== "COMMIT") return;
    const changes = changesOf(this);
    if (changes !== (changesAtCommit.get(this) ?? 0)) commits++;
    changesAtCommit.set(this, changes);
  };
  for (const name of ["run", "get", "all"] as const) {
    const original = statement[name];
    statement[name] = function counted(this: Statement, ...params) {
      statements++;
      return original.apply(this, params);
    };
  }
  return {
    get statements() {
      return statements;
    },
    get commits() {
      return commits;
    },
    get rows() {
      return [...readers.keys()].reduce((sum, connection) => sum + changesOf(connection), 0);
    },
  };
}
