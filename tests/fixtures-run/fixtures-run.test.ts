import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Manifest, compile } from "@perdure/compiler";
import { locateModule } from "@perdure/compiler/bundle";
import type { World } from "@perdure/world";
import { createMemoryWorld } from "@perdure/world/memory";
import { createSqliteWorld } from "@perdure/world-sqlite";
import { setWorld } from "perdure/runtime";
import { type RunningWorker, startWorker } from "perdure/worker";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildDirected, buildUndirected } from "./build.ts";
import { runDurably } from "./durable-run.ts";
import { forgetfulWorld } from "./forgetful-world.ts";
import { type Program, callsOf, loadProgram, outcomeOf } from "./program.ts";
import { type StagedFixture, createStage } from "./stage.ts";

const stage = createStage();
afterAll(stage.remove);

/** The two programs of a fixture, once built. A build that fails fails the fixture's tests, and no others. */
interface Built {
  readonly directed: Promise<string>;
  readonly undirected: Promise<string>;
}

const built = new Map<string, Built>(
  stage.fixtures.map((fixture) => [fixture.name, { directed: buildDirected(fixture), undirected: buildUndirected(fixture) }]),
);
for (const { directed, undirected } of built.values()) for (const file of [directed, undirected]) file.catch(() => undefined);

const worlds: readonly [how: string, create: () => World, forgets: boolean][] = [
  ["live, on SQLite", () => createSqliteWorld({ path: join(stage.folder, "world.db") }), false],
  ["replayed from history after every commit", () => forgetfulWorld(createMemoryWorld()), true],
];

describe.each(worlds)("a program that runs durably, %s, gives what it gives as plain code", (how, create, forgets) => {
  let world: World;
  let worker: RunningWorker;
  beforeAll(async () => {
    world = create();
    await setWorld(world);
    worker = await startWorker({ graceMs: 0 });
  });
  afterAll(async () => {
    await worker.stop();
    await world.close();
  });

  // The first ones wait for all builds, which are made at the same time.
  test.each(stage.fixtures)("$name", async (fixture) => {
    const manifests = manifestsOf(fixture);
    const path = pathOf(manifests.flatMap(({ workflows }) => workflows)[0]?.id ?? "");
    const load = async (kind: keyof Built): Promise<Program> => loadProgram((await built.get(fixture.name)?.[kind]) ?? "", how);
    const expected = [];
    for (const [workflow, ...args] of callsOf(await load("undirected"), path)) expected.push(await outcomeOf(() => workflow(...args)));
    const program = await load("directed");
    const runs = [];
    for (const [workflow, ...args] of callsOf(program, path)) runs.push(await runDurably(world, workflow, args));
    expect(runs.map(({ outcome }) => outcome)).toStrictEqual(expected);
    expect(expected.some((outcome) => "error" in outcome)).toBe(program.fails === true);

    const declared = manifests.flatMap((manifest) => manifest.steps.map(({ id }) => id));
    const ended = new Set(runs.flatMap(({ steps }) => steps));
    expect(declared.filter((id) => !ended.has(id)).map(pathOf)).toEqual(Object.keys(program.unused ?? {}));
    for (const { length, claims } of forgets ? runs : []) expect(claims > 1).toBe(length > 1);
  });
});

function manifestsOf({ modules }: StagedFixture): Manifest[] {
  return modules.map((file) => compile(readFileSync(file, "utf8"), { id: locateModule(file).id, target: "host" }).manifest);
}

const pathOf = (id: string): string => id.slice(id.indexOf("#") + 1);
