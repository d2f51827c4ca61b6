import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";
import { beforeAll, expect, test } from "vitest";
import type { CreatedRun, World } from "@perdure/world";
import { newRun, openWorld, runId, temporaryFolder } from "./store.ts";

const scripts = fileURLToPath(new URL("../node_modules/.cache/test-processes/", import.meta.url));

// Built beside the package, so that the scripts find its drivers.
beforeAll(() => {
  buildSync({
    entryPoints: [
      fileURLToPath(new URL("processes/worker.ts", import.meta.url)),
      fileURLToPath(new URL("processes/setup.ts", import.meta.url)),
      fileURLToPath(new URL("processes/creator.ts", import.meta.url)),
    ],
    outdir: scripts,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    platform: "node",
    format: "esm",
    conditions: ["@perdure/source"],
    external: ["libsql"],
  });
});

function start(script: string, ...args: string[]): ChildProcess {
  return fork(join(scripts, script), args, { stdio: ["ignore", "inherit", "inherit", "ipc"], execArgv: [] });
}

async function exitCode(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  return child.exitCode;
}

async function waitUntil(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 10));
}

async function completed(world: World): Promise<number> {
  return (await world.query.runs({ status: "completed", limit: 1000 })).runs.length;
}

const RUNS = 200;
const STEPS = 5;

async function checkHistories(world: World): Promise<Map<string, number>> {
  const rows = new Map<string, number>();
  for (let n = 0; n < RUNS; n++) {
    const page = await world.load(runId(n));
    expect(page.rows.map(({ seq }) => seq)).toEqual(Array.from({ length: STEPS }, (_, index) => index + 1));
    for (const [index, { data }] of page.rows.entries()) {
      const [worker, step] = new TextDecoder().decode(data).split(" ");
      expect(Number(step)).toBe(index);
      rows.set(worker!, (rows.get(worker!) ?? 0) + 1);
    }
  }
  return rows;
}

test("four processes race for 200 runs: each history is whole and written once, and each process gets its share", async () => {
  const path = join(temporaryFolder(), "store.db");
  const world = await openWorld(path);
  await world.createRuns(Array.from({ length: RUNS }, (_, n) => newRun(n)));
  const children = ["p1", "p2", "p3", "p4"].map((name) => start("worker.mjs", path, name, String(RUNS), String(STEPS)));
  expect(await Promise.all(children.map(exitCode))).toEqual([0, 0, 0, 0]);
  expect(await completed(world)).toBe(RUNS);
  expect((await checkHistories(world)).size).toBe(4);
});

test("a process that is killed in its work loses its runs to the others at once, without waiting for its lease", async () => {
  const path = join(temporaryFolder(), "store.db");
  const world = await openWorld(path);
  await world.createRuns(Array.from({ length: RUNS }, (_, n) => newRun(n)));
  const children = ["p1", "p2", "p3", "p4"].map((name) => start("worker.mjs", path, name, String(RUNS), String(STEPS)));
  const exits = children.map(exitCode);
  await waitUntil(async () => (await completed(world)) > 10);
  children[0]!.kill("SIGKILL");
  const killed = performance.now();
  expect(await Promise.all(exits)).toEqual([null, 0, 0, 0]);
  // The lease is 10 minutes.
  expect(performance.now() - killed).toBeLessThan(50_000);
  expect(await completed(world)).toBe(RUNS);
  await checkHistories(world);
});

test("eight processes that set up one new file at once all find it ready", async () => {
  for (let round = 0; round < 3; round++) {
    const path = join(temporaryFolder(), "new", "store.db");
    const at = String(Date.now() + 700);
    const children = Array.from({ length: 8 }, (_, n) => start("setup.mjs", path, String(n), at));
    expect(await Promise.all(children.map(exitCode))).toEqual(Array(8).fill(0));
    const world = await openWorld(path);
    expect(await world.query.runsById(Array.from({ length: 8 }, (_, n) => runId(n)))).toHaveLength(8);
  }
});

/** Five processes with ten creations each under the key "k", all at one time; what they were answered. */
async function createAtOnce(path: string, ifKeyExists: "return" | "replace"): Promise<Pick<CreatedRun, "created" | "replaced">[]> {
  const at = String(Date.now() + 700);
  const children = Array.from({ length: 5 }, (_, n) => start("creator.mjs", path, ifKeyExists, String(n * 10), at));
  const answers = children.map(async (child) => (await once(child, "message"))[0] as CreatedRun[]);
  const results = (await Promise.all(answers)).flat();
  expect(await Promise.all(children.map(exitCode))).toEqual(Array(5).fill(0));
  expect(results).toHaveLength(50);
  return results;
}

test("fifty creations under one key from five processes create one run", async () => {
  const path = join(temporaryFolder(), "store.db");
  const world = await openWorld(path);
  const results = await createAtOnce(path, "return");
  expect(results.filter(({ created }) => created)).toHaveLength(1);
  expect((await world.query.runs()).runs).toHaveLength(1);
});

test("fifty replacements under one key from five processes leave one run open, and each other was replaced once", async () => {
  const path = join(temporaryFolder(), "store.db");
  const world = await openWorld(path);
  const results = await createAtOnce(path, "replace");
  expect(results.every(({ created }) => created)).toBe(true);
  const replaced = results.flatMap((result) => result.replaced ?? []);
  expect([replaced.length, new Set(replaced).size]).toEqual([49, 49]);
  const { runs } = await world.query.runs({ status: "running" });
  expect(runs).toMatchObject([{ key: "k" }]);
  expect(replaced).not.toContain(runs[0]!.id);
});
