import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { expect, test } from "vitest";
import { testPostgres } from "../../../scripts/test-servers.mjs";

const url = await testPostgres();
const root = fileURLToPath(new URL("../", import.meta.url));

test("a program that awaits close() last ends when it has closed, and by itself", async () => {
  // Where its packages are found.
  const folder = mkdtempSync(join(root, ".tmp-"));
  try {
    writeFileSync(
      join(folder, "program.ts"),
      `import { createPostgresWorld } from "../src/index.ts";
      const world = createPostgresWorld({ url: process.argv[2], schema: "process_end" });
      await world.setup();
      const id = "01890a5d-ac96-774b-bcce-b302099a8057";
      await world.createRuns([{ id, key: null, workflowId: "w", version: "v", input: new Uint8Array(), dueAt: null }]);
      await world.end(id, { status: "cancelled", output: null, note: null });
      await new Promise((resolve) => setTimeout(resolve, 200));
      await world.end(id, { status: "cancelled", output: null, note: null });
      await world.close();
      console.log("closed");`,
    );
    const outfile = join(folder, "program.mjs");
    const entry = { entryPoints: [join(folder, "program.ts")], outfile, bundle: true, packages: "external" as const };
    await build({
      ...entry,
      platform: "node",
      format: "esm",
      conditions: ["@perdure/source"],
      alias: { "@perdure/world": join(root, "../world/src/index.ts") },
    });
    // A rejection tells the exit status: 13 where the event loop was empty before the end.
    const { stdout } = await promisify(execFile)(process.execPath, [outfile, url], { timeout: 30_000 });
    expect(stdout).toBe("closed\n");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
