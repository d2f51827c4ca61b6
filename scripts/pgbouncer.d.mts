import type { PostgresServer } from "./postgres.mjs";

/** Whether {@link startPgBouncer} finds it on this machine. */
export function hasPgBouncer(): boolean;

export interface PgBouncer {
  /** The server's URL, through PgBouncer. */
  readonly url: string;
  /** Another URL of the server, such as that of another database, through PgBouncer. */
  urlOf(url: string): string;
  /** Ends it at once. */
  stop(): Promise<void>;
}

/**
 * Starts PgBouncer in transaction mode in front of a server, with its own defaults otherwise (20 connections per database). It ends with this
 * process, however that ends. `settings` are lines of its section `[pgbouncer]`. @throws when it is not on this machine
 */
export function startPgBouncer(server: PostgresServer, settings?: Readonly<Record<string, string | number>>): Promise<PgBouncer>;
