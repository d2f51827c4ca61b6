import { fork, spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import type { Hint } from "@perdure/world";
import { loadDriver } from "../src/driver/load.ts";
import { isGone, place } from "../src/place.ts";
import { newRun, openWorld, runId, temporaryFolder } from "./store.ts";

const driver = loadDriver();

/** Gives a worker's row another place and process. */
function moveWorker(path: string, worker: string, where: string, pid: number): void {
  const connection = driver.open(path);
  connection.prepare("UPDATE workers SET place = ?1, pid = ?2 WHERE name = ?3").run([where, pid, worker]);
  connection.close();
}

function deadPid(): number {
  return spawnSync(process.execPath, ["-e", ""]).pid;
}

async function takenFrom(where: string, pid: number): Promise<number> {
  const path = join(temporaryFolder(), "store.db");
  const world = await openWorld(path);
  await world.heartbeat("w1", 600_000);
  await world.createRuns([newRun(1)], { owner: "w1" });
  moveWorker(path, "w1", where, pid);
  const { runs } = await world.claim({ worker: "w2", limit: 10, leaseMs: 600_000 });
  return runs[0]?.crashes ?? 0;
}

test("a worker whose process on this machine is gone counts as crashed at once", async () => {
  expect(await takenFrom(place, deadPid())).toBe(1);
});

test("a worker whose process lives, or lived elsewhere, keeps its runs until its lease is over", async () => {
  expect(await takenFrom(place, process.pid)).toBe(0);
  expect(await takenFrom(place, 1)).toBe(0);
  expect(await takenFrom("another machine", deadPid())).toBe(0);
});

test("a process counts as gone only when nothing has its id", async () => {
  const child = fork("data:text/javascript,", { execArgv: ["-e", "setInterval(() => {}, 1000)"], stdio: "ignore" });
  expect(isGone(place, child.pid!)).toBe(false);
  child.kill("SIGKILL");
  await once(child, "exit");
  expect(isGone(place, child.pid!)).toBe(true);
  expect(isGone("elsewhere", child.pid!)).toBe(false);
});

test("polls of an idle worker write nothing while a good part of its lease is left", async () => {
  const path = join(temporaryFolder(), "store.db");
  let time = 1_000_000;
  const world = await openWorld(path, { now: () => time });
  const other = driver.open(path);
  const version = (): unknown => other.prepare("PRAGMA data_version").get([])?.[0];
  await world.createRuns([newRun(1, { dueAt: time + 90_000 })]);
  await world.claim({ worker: "w1", limit: 10, leaseMs: 30_000 });
  const before = version();
  for (let poll = 0; poll < 9; poll++) {
    time += 1000;
    expect(await world.claim({ worker: "w1", limit: 10, leaseMs: 30_000 })).toEqual({ runs: [], messages: [], nextDueAt: 1_090_000 });
  }
  expect(version()).toBe(before);
  time += 2000;
  await world.claim({ worker: "w1", limit: 10, leaseMs: 30_000 });
  expect(version()).not.toBe(before);
  other.close();
});

test("workers that are gone and own nothing are forgotten", async () => {
  const path = join(temporaryFolder(), "store.db");
  let time = 1_000_000;
  const world = await openWorld(path, { now: () => time });
  for (let n = 0; n < 20; n++) await world.heartbeat(`w${n}`, 1000);
  time += 2000;
  await world.claim({ worker: "w", limit: 1, leaseMs: 1000 });
  const connection = driver.open(path);
  expect(connection.prepare("SELECT name FROM workers").all([])).toEqual([["w"]]);
  connection.close();
});

test("hints reach the other Worlds on the file in this process", async () => {
  const path = join(temporaryFolder(), "store.db");
  const [one, two] = [await openWorld(path), await openWorld(path)];
  const hints: Hint[] = [];
  const unwatch = two.watch((hint) => hints.push(hint));
  await one.createRuns([newRun(1)]);
  await vi.waitFor(() => expect(hints).toContainEqual({ kind: "due" }));
  const { runs } = await one.claim({ worker: "w1", limit: 1, leaseMs: 1000 });
  const state = [{ key: "k", value: new Uint8Array(1) }];
  const patch = { status: "completed" } as const;
  await one.commit([{ runId: runId(1), fence: runs[0]!.run.fence, worker: "w1", base: 0, rows: [], state, patch }]);
  await vi.waitFor(() => expect(hints).toContainEqual({ kind: "state", runId: runId(1) }));
  await vi.waitFor(() => expect(hints).toContainEqual({ kind: "ended", runId: runId(1) }));
  unwatch();
  await two.close();
  await one.createRuns([newRun(2)]);
});

test("a call waits for another process's transaction, and fails when that takes too long", async () => {
  const path = join(temporaryFolder(), "store.db");
  const patient = await openWorld(path);
  const hasty = await openWorld(path, { patienceMs: 50 });
  const other = driver.open(path);
  other.exec("BEGIN IMMEDIATE");
  const waiting = patient.createRuns([newRun(1)]);
  await expect(hasty.createRuns([newRun(2)])).rejects.toMatchObject({
    code: "WORLD_UNAVAILABLE",
    message: expect.stringContaining("locked"),
  });
  expect(await hasty.query.run({ id: runId(1) })).toBe(null);
  other.exec("ROLLBACK");
  other.close();
  expect(await waiting).toMatchObject([{ created: true }]);
});
