import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { openWorld } from "perdure/runtime";
import { testPostgres } from "../../../scripts/test-servers.mjs";
import { run } from "./run.ts";

const folder = mkdtempSync(join(tmpdir(), "perdure-cli-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const url = `sqlite:${join(folder, "world.db")}`;
const bytes = (text: string): Uint8Array => Buffer.from(text);
const row = (event: object, asks: readonly string[], payload = ""): Uint8Array =>
  bytes(`${JSON.stringify({ ...event, asks })}\n${payload}`);

/** A run that failed by a step, as a worker leaves it. */
async function failedRun(key: string): Promise<string> {
  const world = await openWorld(url);
  await world.setup();
  const id = `01890a5d-ac96-774b-bcce-${key.padEnd(12, "0")}`;
  const error = '[["error",{"name":"Error","message":"broken"}]]';
  await world.code.put("v2", bytes("{}"));
  await world.createRuns([{ id, key, workflowId: "app#order", version: "v1", input: bytes(`${"0".repeat(32)}\n[]`), dueAt: null }], {
    owner: "w",
  });
  const rows = [row({ type: "run_started", at: 1 }, ["step app#pay#1"]), row({ type: "run_abandoned", at: 2 }, [], error)];
  await world.commit([
    { runId: id, fence: 1, worker: "w", base: 0, rows, patch: { status: "failed", output: bytes(error), note: "Error: broken" } },
  ]);
  await world.close();
  return id;
}

test("rewind opens a failed run before its failure, on other code, and prints what it was", async () => {
  await failedRun("aa");
  const { status, out, err } = await run({}, "rewind", "aa", "--version", "v2", "--world", url);
  expect([status, err]).toEqual([0, expect.stringMatching(/^Run aa goes on behind row 1; what it was is run [0-9a-f-]{36}\.\n$/)]);
  expect(out).toMatch(/^[0-9a-f-]{36}\n$/);
  expect(await run({}, "versions", "--world", url)).toEqual({ status: 0, out: "1\tapp#order\tv2\n", err: "" });
  expect(await run({}, "versions", "app#none", "--world", url)).toEqual({ status: 0, out: "", err: "" });
  expect((await run({}, "repin", "aa", "v2", "--world", url)).err).toBe("Run aa has version v2.\n");
  expect(await run({}, "rewind", "aa", "--world", url)).toMatchObject({
    status: 2,
    out: "",
    err: expect.stringMatching(/^REPAIR_REFUSED: /) as string,
  });
});

test("fork starts a run with the first rows of another, under a name and with arguments", async () => {
  await failedRun("bb");
  expect(await run({}, "fork", "bb", "--id", "fork", "--args", '["Ada"]', "--world", url)).toEqual({ status: 0, out: "fork\n", err: "" });
  expect(await run({}, "fork", "bb", "--id", "fork", "--world", url)).toMatchObject({
    status: 2,
    err: expect.stringMatching(/^RUN_ALREADY_EXISTS/) as string,
  });
  expect(await run({}, "fork", "bb", "--to", "-x", "--world", url)).toMatchObject({
    status: 2,
    err: expect.stringContaining("whole number") as string,
  });
  expect(await run({}, "fork", "bb", "--args", "{}", "--world", url)).toMatchObject({
    status: 2,
    err: expect.stringContaining("JSON array") as string,
  });
});

test("runs that do not exist and versions that nobody has are said, with their codes", async () => {
  await failedRun("cc");
  expect(await run({}, "rewind", "none", "--world", url)).toMatchObject({
    status: 2,
    err: expect.stringMatching(/^RUN_NOT_FOUND: /) as string,
  });
  expect(await run({}, "rewind", "cc", "--version", "v9", "--world", url)).toMatchObject({
    status: 2,
    err: expect.stringMatching(/^VERSION_NOT_FOUND: /) as string,
  });
  expect(await run({}, "versions", "--world", "ftp://x")).toMatchObject({
    status: 2,
    err: expect.stringMatching(/^WORLD_UNKNOWN_SCHEME: /) as string,
  });
});

test("a database is asked, and not migrated", { timeout: 60_000 }, async () => {
  const world = await testPostgres();
  expect(await run({}, "versions", "--world", world, "--schema", "shop")).toMatchObject({ status: 2, out: "" });
  await run({}, "migrate", "--world", world, "--schema", "shop");
  expect(await run({}, "versions", "--world", world, "--schema", "shop")).toEqual({ status: 0, out: "", err: "" });
});
