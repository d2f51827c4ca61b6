/**
 * Transactions on one connection.
 *
 * The work of a transaction is synchronous, so that transactions of one process never interleave. Writers take the lock with
 * BEGIN IMMEDIATE: they never find out half-way that they cannot write. The connection remembers the integer keys of uuids and names;
 * what a transaction that failed had put there is forgotten with it.
 */

import { WorldError } from "@perdure/world";
import type { Connection, Driver, SqlValue, Statement } from "./driver/driver.ts";
import { toWorldError } from "./failure.ts";
import { rollback } from "./open.ts";
import { retryBusy } from "./retry.ts";

const MAX_REMEMBERED = 100_000;

/** What the work of a transaction may do. Statements are prepared once per connection. */
export interface Transaction {
  run(sql: string, params: readonly SqlValue[]): number;
  insert(sql: string, params: readonly SqlValue[]): number | null;
  get(sql: string, params: readonly SqlValue[]): readonly SqlValue[] | undefined;
  all(sql: string, params: readonly SqlValue[]): readonly (readonly SqlValue[])[];
  /** The key that `find` yields for a text (a uuid, a name), remembered from then on; undefined when it yields none. */
  key(kind: "run" | "name", text: string, find: () => number | undefined): number | undefined;
  /** A run is not expected to be asked for soon: its key is looked up again when it is. */
  forgetRun(uuid: string): void;
  /** All of the work or none of it, inside of the transaction. @throws what the work throws */
  alone<T>(work: () => T): T;
}

export interface Database {
  /** A consistent view of the store. */
  read<T>(work: (transaction: Transaction) => T): Promise<T>;
  /** All of the work or none of it, durable once the promise resolves. A rejection of WORLD_UNAVAILABLE may come after it became durable. */
  write<T>(work: (transaction: Transaction) => T): Promise<T>;
  close(): void;
}

/** Takes over a connection that {@link openStore} has opened. */
export function createDatabase(driver: Driver, connection: Connection, path: string, patienceMs: number): Database {
  const statements = new Map<string, Statement>();
  const remembered = { run: new Map<string, number>(), name: new Map<string, number>() };
  let closed = false;

  function statement(sql: string): Statement {
    let prepared = statements.get(sql);
    if (prepared === undefined) statements.set(sql, (prepared = connection.prepare(sql)));
    return prepared;
  }

  const transaction: Transaction = {
    run: (sql, params) => statement(sql).run(params),
    insert: (sql, params) => statement(sql).insert(params),
    get: (sql, params) => statement(sql).get(params),
    all: (sql, params) => statement(sql).all(params),
    key(kind, text, find) {
      const known = remembered[kind].get(text);
      if (known !== undefined) return known;
      const found = find();
      if (found !== undefined) remember(remembered[kind], text, found);
      return found;
    },
    forgetRun: (uuid) => void remembered.run.delete(uuid),
    alone(work) {
      statement("SAVEPOINT alone").run([]);
      try {
        return work();
      } catch (error) {
        statement("ROLLBACK TO alone").run([]);
        forget();
        throw error;
      } finally {
        statement("RELEASE alone").run([]);
      }
    },
  };

  // The keys of what was not stored after all go to others.
  function forget(): void {
    remembered.run.clear();
    remembered.name.clear();
  }

  function attempt<T>(begin: string, work: (transaction: Transaction) => T): T {
    if (closed) throw new WorldError("WORLD_CLOSED", `The World on ${path} is closed.`, { hint: "Create another one." });
    // Not prepared: a BEGIN that met a lock stays half-way in a statement that libsql does not reset, and then no COMMIT is possible.
    connection.exec(begin);
    try {
      const result = work(transaction);
      connection.exec("COMMIT");
      return result;
    } catch (error) {
      rollback(connection);
      forget();
      throw error;
    }
  }

  async function transact<T>(begin: string, work: (transaction: Transaction) => T): Promise<T> {
    try {
      return await retryBusy(driver, patienceMs, () => attempt(begin, work));
    } catch (error) {
      throw toWorldError(driver, path, error);
    }
  }

  return {
    read: (work) => transact("BEGIN", work),
    write: (work) => transact("BEGIN IMMEDIATE", work),
    close() {
      if (closed) return;
      closed = true;
      try {
        // So that the file alone is complete: libsql lets go of it only when its statements are collected. Busy means others go on with it.
        connection.exec("PRAGMA wal_checkpoint(TRUNCATE)");
      } catch {
        // Nothing is lost: the log is there for the next opening.
      }
      statements.clear();
      connection.close();
    },
  };
}

/** Maps keep the order of insertion: the first key is the oldest. */
function remember(map: Map<string, number>, text: string, key: number): void {
  if (map.size >= MAX_REMEMBERED) map.delete(map.keys().next().value!);
  map.set(text, key);
}
