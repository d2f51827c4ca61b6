// Workflow ids and versions, of which runs have the ids: that whoever sees a run sees its names, whatever became of the transaction that brought them first.
import pg from "pg";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import type { World } from "@perdure/world";
import { testPostgres } from "../../../scripts/test-servers.mjs";
import { createPostgresWorld } from "../src/postgres-world.ts";
import { newRun } from "./support/runs.ts";

const url = await testPostgres();
const named = { workflowId: 'shop#order "größer" 🎈', version: "a hash" };
let count = 0;
let schema = "";
let world: World;

beforeEach(async () => {
  schema = `names_${++count}`;
  world = createPostgresWorld({ url, schema });
  await world.setup();
  return () => world.close();
});

async function client(begin?: string): Promise<pg.Client> {
  const one = new pg.Client(url);
  await one.connect();
  onTestFinished(() => one.end());
  if (begin !== undefined) await one.query(begin);
  return one;
}

const namesOf = async (id: string): Promise<unknown> => {
  const run = await world.query.run({ id });
  return run && { workflowId: run.workflowId, version: run.version };
};

test("transactions that start the first run of a workflow do not wait for each other, and each has its names when the others are rolled back", async () => {
  const [one, other] = [await client("BEGIN"), await client("BEGIN")];
  const runs = Array.from({ length: 3 }, () => newRun(named));
  await world.createRunsIn!(one, [runs[0]!]);
  await other.query("SET LOCAL lock_timeout = 5000");
  await world.createRunsIn!(other, [runs[1]!]);
  await world.createRuns([runs[2]!]);
  expect(await namesOf(runs[2]!.id)).toEqual(named);
  await one.query("ROLLBACK");
  await other.query("COMMIT");
  expect(await namesOf(runs[0]!.id)).toBeNull();
  expect(await namesOf(runs[1]!.id)).toEqual(named);
  const listed = await world.query.runs({ workflowId: named.workflowId });
  expect(listed.runs.map(({ id }) => id).toSorted()).toEqual([runs[1]!.id, runs[2]!.id].toSorted());
});

test.each(["REPEATABLE READ", "SERIALIZABLE"])(
  "a transaction that is %s and began before the first run of a workflow starts the second",
  async (isolation) => {
    const old = await client(`BEGIN ISOLATION LEVEL ${isolation}`);
    await old.query(`SELECT count(*) FROM ${schema}.runs`);
    await world.createRuns([newRun(named)]);
    const run = newRun(named);
    await world.createRunsIn!(old, [run]);
    await old.query("COMMIT");
    expect(await namesOf(run.id)).toEqual(named);
  },
);

test("names that were rolled back to a savepoint are there with the next run of the transaction", async () => {
  const one = await client("BEGIN; SAVEPOINT here");
  await world.createRunsIn!(one, [newRun(named)]);
  await one.query("ROLLBACK TO SAVEPOINT here");
  const run = newRun(named);
  await world.createRunsIn!(one, [run]);
  await one.query("COMMIT");
  expect(await namesOf(run.id)).toEqual(named);
});

test("a database that went back to before a workflow's first run gets the names again, though the process has written them", async () => {
  await world.createRuns([newRun(named)]);
  const admin = await client();
  await admin.query(`DELETE FROM ${schema}.runs; DELETE FROM ${schema}.names`);
  const run = newRun(named);
  await world.createRuns([run]);
  expect(await namesOf(run.id)).toEqual(named);
});

test("a name is one row for however many runs in turn", async () => {
  for (let turn = 0; turn < 3; turn++) await world.createRuns([newRun(named), newRun({ ...named, version: "another" })]);
  const admin = await client();
  const { rows } = await admin.query<{ name: string }>(`SELECT name FROM ${schema}.names ORDER BY name`);
  expect(rows.map(({ name }) => name)).toEqual(["a hash", "another", named.workflowId]);
});
