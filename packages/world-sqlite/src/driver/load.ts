import { WorldError } from "@perdure/world";
import type { Driver } from "./driver.ts";
import { loadLibsql } from "./libsql.ts";
import { loadNodeSqlite } from "./node-sqlite.ts";

let loaded: Driver | null = null;

/**
 * The driver of this process: `node:sqlite` where Node has it, else `libsql`. One driver per process, because two copies of SQLite
 * on one file would undo each other's POSIX locks (https://www.sqlite.org/howtocorrupt.html, 2.2).
 * @throws WORLD_UNAVAILABLE when there is neither
 */
export function loadDriver(): Driver {
  loaded ??= loadNodeSqlite() ?? loadLibsql();
  if (loaded !== null) return loaded;
  throw new WorldError("WORLD_UNAVAILABLE", `Node ${process.versions.node} has no SQLite, and the package "libsql" is not installed.`, {
    hint: "Use Node 22.13 or later, or run: npm install libsql",
  });
}
