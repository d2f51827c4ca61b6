import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openWorld } from "perdure/runtime";
import { run } from "./run.ts";

const folder = mkdtempSync(join(tmpdir(), "perdure-cli-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const url = `sqlite:${join(folder, "world.db")}`;
const bytes = (text: string): Uint8Array => Buffer.from(text);
const code = "/*perdure:1*/(function(__perdure){return async()=>1})";
const version = createHash("sha256").update(code).digest("hex");
const [id, lost] = ["01890a5d-ac96-774b-bcce-aa0000000000", "01890a5d-ac96-774b-bcce-bb0000000000"];

beforeAll(async () => {
  const world = await openWorld(url);
  await world.setup();
  await world.code.put(version, bytes(JSON.stringify({ code, map: "{}" })));
  const input = bytes(`${"0".repeat(32)}{"deadlineAt":9}\nj["☃"]`);
  for (const [run, key, of] of [
    [id, "order-7", version],
    [lost, null, "f".repeat(64)],
  ] as const) {
    await world.createRuns([{ id: run, key, workflowId: "app#order", version: of, input, dueAt: null }], { owner: "w" });
    const rows = [bytes('{"type":"run_started","at":1,"details":{"sleep#1":5},"asks":["wait sleep#1"]}\n')];
    await world.commit([{ runId: run, fence: 1, worker: "w", base: 0, rows, patch: { dueAt: 5 } }]);
  }
  await world.close();
});

const history = {
  perdure: 1,
  id,
  key: "order-7",
  workflowId: "app#order",
  version,
  status: "running",
  createdAt: expect.any(Number) as number,
  placed: false,
  input: { seed: "0".repeat(32), settings: { deadlineAt: 9 }, args: 'j["☃"]' },
  rows: [{ event: { type: "run_started", at: 1 }, asks: ["wait sleep#1"], details: { "sleep#1": 5 }, payload: "" }],
  output: null,
  bundle: { code, map: "{}" },
};

test("export-history prints a run with its history and code as JSON, and nothing else", async () => {
  const { status, out, err } = await run({}, "export-history", "order-7", "--world", url);
  expect([status, err]).toEqual([0, ""]);
  expect(JSON.parse(out)).toEqual(history);
  expect(out).toMatch(/^\{\n.*\n\}\n$/s);
  expect((await run({}, "export-history", id, "--world", url)).out).toBe(out);
});

test("--without-code leaves the code out", async () => {
  const { status, out, err } = await run({}, "export-history", "order-7", "--without-code", "--world", url);
  expect([status, err]).toEqual([0, ""]);
  expect(JSON.parse(out)).toEqual({ ...history, bundle: null });
});

test("code that is lost is said, and the history comes without it", async () => {
  const { status, out, err } = await run({}, "export-history", lost, "--world", url);
  expect([status, err]).toEqual([
    0,
    `perdure: The code of version ${"f".repeat(64)} is not in this World, or was altered; the history is without it.\n`,
  ]);
  expect(JSON.parse(out)).toMatchObject({ id: lost, key: null, bundle: null });
});

test("a run that is not there is said with its code, and a missing id by its name", async () => {
  expect(await run({}, "export-history", "nobody", "--world", url)).toMatchObject({
    status: 2,
    out: "",
    err: expect.stringMatching(/^RUN_NOT_FOUND: There is no run "nobody"/) as string,
  });
  expect(await run({}, "export-history", "--world", url)).toMatchObject({
    status: 2,
    out: "",
    err: expect.stringContaining("Missing required argument 'run'") as string,
  });
});
