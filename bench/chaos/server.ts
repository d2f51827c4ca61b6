import { setTimeout as pause } from "node:timers/promises";
import pg from "pg";

import { startPostgres } from "../../scripts/postgres.mjs";
import { scratch } from "../src/worlds/postgres-server.ts";
import { startProxy } from "./proxy.ts";

/** A PostgreSQL server that is made to fail, and looked at from outside of the World. */
export interface ChaosServer {
  readonly version: string;
  /** The database, through a proxy whose connections {@link ChaosServer.sever} cuts. */
  readonly url: string;
  /** Past the proxy. */
  readonly directUrl: string;
  /** Runs a statement on a connection of its own; waits for the server if it is not there, and repeats the statement then. */
  ask<T extends pg.QueryResultRow>(text: string, values?: readonly unknown[]): Promise<T[]>;
  /** Ends the server as a crash does, and starts it again. */
  crash(): Promise<void>;
  /** Ends the backends of some connections of Worlds, chosen by chance; returns how many. */
  terminate(chance: () => number): Promise<number>;
  /** Cuts some connections in the network, chosen by chance; returns how many. */
  sever(chance: () => number): number;
  /** The server's own words. */
  readonly logPath: string;
  /** Ends it for good. */
  close(): Promise<void>;
}

/** How long a question waits for the server. */
const patienceMs = 60_000;

/** Stock settings, but for `track_commit_timestamp`, by which the verdict knows when each row of history was committed. */
export async function startServer(): Promise<ChaosServer> {
  const server = await startPostgres({ settings: { track_commit_timestamp: "on" }, parent: scratch() });
  const proxy = await startProxy(server.port);
  const directUrl = server.url;
  const through = new URL(directUrl);
  through.port = String(proxy.port);
  let restarting: Promise<void> = Promise.resolve();

  async function ask<T extends pg.QueryResultRow>(text: string, values: readonly unknown[] = []): Promise<T[]> {
    const deadline = performance.now() + patienceMs;
    for (;;) {
      const client = new pg.Client({ connectionString: directUrl, application_name: "chaos", connectionTimeoutMillis: 10_000 });
      client.on("error", () => undefined);
      try {
        await client.connect();
        return (await client.query<T>(text, [...values])).rows;
      } catch (error) {
        if (!isAway(error) || performance.now() > deadline) throw error;
        await pause(50);
      } finally {
        await client.end().catch(() => undefined);
      }
    }
  }

  return {
    version: server.version,
    url: through.href,
    directUrl,
    ask,
    crash() {
      restarting = restarting.then(() => server.restart("immediate"));
      return restarting;
    },
    async terminate(chance) {
      const backends = await ask<{ pid: number }>("SELECT pid FROM pg_stat_activity WHERE application_name = 'perdure' ORDER BY pid");
      const chosen = backends.filter(() => chance() < 0.5).map(({ pid }) => pid);
      await ask("SELECT pg_terminate_backend(pid) FROM unnest($1::int4[]) AS pid", [chosen]);
      return chosen.length;
    },
    sever: (chance) => proxy.cut(() => chance() < 0.5),
    logPath: `${server.folder}/log`,
    async close() {
      await restarting.catch(() => undefined);
      await proxy.close();
      await server.stop();
    },
  };
}

/** The server is not there, or is starting or ending. */
function isAway(error: unknown): boolean {
  const { code = "", message } = error as { code?: string; message: string };
  return /^(57P0|08|ECONN|EPIPE)/.test(code) || /^Connection terminated|timeout expired/.test(message);
}
