/** Deploys while runs are in flight: real processes on PostgreSQL, killed with SIGKILL, and every run ends as the version that it began with says. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { hasTestPostgres, testPostgres } from "../../scripts/test-servers.mjs";
import { builtProgram, program, type Program, type Running } from "../programs/program.ts";
import { versions } from "./versions.ts";

/** Of each version. */
const runs = Number(process.env.PERDURE_TEST_DEPLOY_RUNS ?? 20);

/** Puts a version where processes that start from now on find it. */
async function deploy({ folder, replace }: Program, version: number): Promise<void> {
  const { code, renames } = versions[version - 1]!;
  writeFileSync(join(folder, "perdure.renames.json"), JSON.stringify(renames));
  await replace(code);
}

async function kill(process: Running): Promise<void> {
  process.kill();
  expect((await process.ended()).signal).toBe("SIGKILL");
}

/** As a platform stops a process that is replaced: its worker gives its runs back. */
async function stop({ pid, ended }: Running): Promise<void> {
  process.kill(pid, "SIGTERM");
  expect(await ended()).toMatchObject({ signal: "SIGTERM" });
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** One process is replaced after the other, so that both versions are at work at the same time: the first is stopped, the second killed. */
async function rolling(old: readonly Running[], startNew: () => Running): Promise<Running[]> {
  const present: Running[] = [];
  for (let i = 0; i < 2; i++) {
    const next = startNew();
    await next.printed("ready");
    if (old[i]) await (i === 0 ? stop : kill)(old[i]!);
    present.push(next);
  }
  return present;
}

/** All old processes end before a new one begins: whatever the new ones know of the old code comes from the World. */
async function atOnce(old: readonly Running[], startNew: () => Running): Promise<Running[]> {
  await Promise.all(old.map(kill));
  const present = startNew();
  await present.printed("ready");
  return [present];
}

describe.runIf(hasTestPostgres()).each([
  ["built, with rolling restarts", rolling, builtProgram],
  ["as sources, with new processes only", atOnce, program],
] as const)("five versions of one workflow, deployed %s", (_, replace, make) => {
  test("every run ends with the result of the version that it started on", { timeout: 240_000 }, async () => {
    const url = await testPostgres();
    const app = await make("");
    let processes: Running[] = [];
    const gone: number[] = [];
    for (let version = 1; version <= versions.length; version++) {
      await deploy(app, version);
      let isFirst = true;
      const startNew = (): Running => {
        const RUNS = isFirst ? String(runs) : "0";
        isFirst = false;
        return app.start({ PERDURE_WORLD: url, VERSION: String(version), RUNS });
      };
      gone.push(...processes.map(({ pid }) => pid));
      processes = await replace(processes, startNew);
    }
    expect(gone.length).toBeGreaterThanOrEqual(versions.length - 1);
    expect(gone.filter(isAlive)).toEqual([]);
    const collected = await app
      .start({ PERDURE_WORLD: url, PERDURE_WORKER: "off", ROLE: "collect", RUNS: String(runs), UP_TO: String(versions.length) })
      .ended();
    const results = Array.from(collected.output.matchAll(/^result (.*)$/gm), ([, line]) => JSON.parse(line!) as [string, string, unknown]);
    const expected = versions.flatMap(({ result }, v) =>
      Array.from({ length: runs }, (_, n) => {
        const id = `v${v + 1}-${n}`;
        return [id, withLastNames(result(n, n % 2 === 1 ? id : "open"))];
      }),
    );
    expect(
      results.map(([id, , value]) => [id, Array.isArray(value) ? withLastNames(value as string[]) : value]),
      collected.output.slice(-2000),
    ).toEqual(expected);
    const hashes = versions.map((_, v) => new Set(results.filter(([id]) => id.startsWith(`v${v + 1}-`)).map(([, hash]) => hash)));
    expect(hashes.map(({ size }) => size)).toEqual(versions.map(() => 1));
    expect(new Set(hashes.flatMap((all) => [...all])).size).toBe(versions.length);
    await Promise.all(processes.map(kill));
  });
});

/** What was renamed is executed by whoever is at work: the old implementation before the last deploy, the new one since. */
function withLastNames(values: readonly string[]): string[] {
  return values.map((value) => value.replace(/^pack /, "wrap "));
}
