export interface TestPostgresOptions {
  /** The major version. Default: `"18"`. */
  readonly version?: string;
  /** Through PgBouncer in transaction mode. */
  readonly pooled?: boolean;
}

/**
 * Whether {@link testPostgres} can have that server on this machine. Version 18 without PgBouncer is there wherever `npm ci` ran, but not on Windows.
 *
 * @throws when that one is not there, unless `PERDURE_TEST_POSTGRES` is `skip`
 */
export function hasTestPostgres(options?: TestPostgresOptions): boolean;

/** The URL of a new, empty database for the superuser, on the server that all tests of the run share. Starts the server when nobody has before. */
export function testPostgres(options?: TestPostgresOptions): Promise<string>;

/** Serves {@link testPostgres} for this process and those that it starts; returns what ends the servers. For vitest's setup. */
export function serveTestServers(): Promise<() => Promise<void>>;
