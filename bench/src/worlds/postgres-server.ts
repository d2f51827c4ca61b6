import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import pg from "pg";

import { query, startPostgres } from "../../../scripts/postgres.mjs";

/** A server in which a benchmark makes databases of its own. */
export interface BenchServer {
  /** Of the whole server. */
  readonly url: string;
  /** `PostgreSQL 18.4` */
  readonly version: string;
  /** Creates an empty database; returns its URL. */
  createDatabase(purpose: string): Promise<string>;
  /** Removes the databases, and ends the server if it was started for this. All connections must be closed. */
  close(): Promise<void>;
}

/** @param url a server whose user may create databases; null: one is started, with PostgreSQL's own settings, on the disk of the repository */
export async function openServer(url: string | null): Promise<BenchServer> {
  const started = url === null ? await startPostgres({ parent: scratch() }) : null;
  const at = started?.url ?? url ?? "";
  const names: string[] = [];
  const [row] = await query<{ server_version: string }>(at, "SHOW server_version");
  const version = row?.server_version ?? "";
  return {
    url: at,
    version: `PostgreSQL ${version.split(" ")[0]}`,
    async createDatabase(purpose) {
      const name = `perdure_bench_${process.pid}_${purpose}`;
      await query(at, `CREATE DATABASE ${pg.escapeIdentifier(name)}`);
      names.push(name);
      const database = new URL(at);
      database.pathname = `/${name}`;
      return database.href;
    },
    async close() {
      if (started) return started.stop();
      for (const name of names) await query(at, `DROP DATABASE IF EXISTS ${pg.escapeIdentifier(name)} WITH (FORCE)`);
    },
  };
}

/** The system's temporary folder may be memory, on which nothing is durable. */
export function scratch(): string {
  const parent = fileURLToPath(new URL("../../.perdure/", import.meta.url));
  mkdirSync(parent, { recursive: true });
  return parent;
}
