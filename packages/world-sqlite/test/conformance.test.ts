import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "vitest";
import { testWorld } from "@perdure/world/conformance";
import { createSqliteWorld } from "@perdure/world-sqlite";

testWorld({
  test,
  supports: { processes: true, durable: true },
  create() {
    let time = Date.now();
    const folder = mkdtempSync(join(tmpdir(), "perdure-"));
    return {
      open: async () => createSqliteWorld({ path: join(folder, "store.db"), now: () => time }),
      advance: (ms) => void (time += Math.ceil(ms)),
      cleanup: async () => rmSync(folder, { recursive: true }),
    };
  },
});
