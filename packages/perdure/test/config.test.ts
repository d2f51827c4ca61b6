import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, expect, test, vi } from "vitest";

import { openWorld, workerWanted } from "../src/config.ts";
import { durationMs } from "../src/duration.ts";
import { resolveWorkerOptions } from "../src/worker/options.ts";

afterEach(() => vi.unstubAllEnvs());

test("a URL names a World", async () => {
  const folder = mkdtempSync(join(tmpdir(), "perdure-config-"));
  const sqlite = await openWorld(`sqlite:${folder}/a/world.db`);
  await sqlite.setup();
  expect([sqlite.name, (await openWorld("memory:")).name]).toEqual(["sqlite", "memory"]);
  await sqlite.close();
  rmSync(folder, { recursive: true });
});

test.each([
  ["redis://localhost", "WORLD_UNKNOWN_SCHEME"],
  ["./world.db", "WORLD_UNKNOWN_SCHEME"],
  ["", "WORLD_UNKNOWN_SCHEME"],
])("PERDURE_WORLD=%s is refused and says what to do", async (url, code) => {
  const error = await openWorld(url).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code });
  expect(String(error)).not.toContain("secret");
});

test("PERDURE_WORKER is on or off", () => {
  expect(workerWanted()).toBe(true);
  vi.stubEnv("PERDURE_WORKER", "off");
  expect(workerWanted()).toBe(false);
  vi.stubEnv("PERDURE_WORKER", "no");
  expect(() => workerWanted()).toThrow(expect.objectContaining({ code: "INVALID_CONFIGURATION" }));
});

test("worker options are checked", () => {
  expect(resolveWorkerOptions({ concurrency: 7 })).toMatchObject({ concurrency: 7, leaseMs: 5000 });
  for (const bad of [{ concurrency: 0 }, { leaseMs: 1.5 }, { idleMs: -1 }, { speed: 9 }]) {
    expect(() => resolveWorkerOptions(bad as object)).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
  }
});

test("durations are milliseconds or text with units", () => {
  expect(["10ms", "1.5s", "1h 30m", "7 days", 0, 12.5].map(durationMs)).toEqual([10, 1500, 5_400_000, 604_800_000, 0, 12.5]);
  for (const bad of ["", "soon", "5", "1h x", "-5s", -1, NaN, Infinity, "1 lightyear"]) {
    expect(() => durationMs(bad)).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
  }
});
