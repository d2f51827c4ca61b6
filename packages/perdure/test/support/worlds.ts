/** The Worlds that a test of the runtime is to pass on. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { World } from "@perdure/world";
import { checkedWorld } from "@perdure/world/conformance";
import { createMemoryWorld } from "@perdure/world/memory";
import { createSqliteWorld } from "@perdure/world-sqlite";
import { onTestFinished } from "vitest";

/** Names, and what makes a fresh one, every call checked; for `test.each`. */
export const worlds: [name: string, create: () => World][] = [
  ["memory", () => checkedWorld(createMemoryWorld())],
  ["SQLite", createTemporarySqliteWorld],
];

/** In a folder of its own, gone when the test is over. */
function createTemporarySqliteWorld(): World {
  const folder = mkdtempSync(join(tmpdir(), "perdure-world-"));
  const world = createSqliteWorld({ path: join(folder, "world.db") });
  onTestFinished(async () => {
    await world.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return checkedWorld(world);
}
