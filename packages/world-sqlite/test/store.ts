import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { Commit, World } from "@perdure/world";
import { createSqliteWorld, type SqliteWorldOptions } from "@perdure/world-sqlite";
import { runId } from "./new-run.ts";

export { newRun, runId } from "./new-run.ts";

/** A folder that goes away with its test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "perdure-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A World on a file, set up; closed with its test. */
export async function openWorld(path: string, options: Partial<SqliteWorldOptions> = {}): Promise<World> {
  const world = createSqliteWorld({ path, ...options });
  onTestFinished(() => world.close());
  await world.setup();
  return world;
}

/** A commit of one row to the n-th run by worker w1 at fence 1. */
export function commitOf(n: number, base: number, data: Uint8Array, rest: Partial<Commit> = {}): Commit {
  return { runId: runId(n), fence: 1, worker: "w1", base, rows: [data], ...rest };
}
