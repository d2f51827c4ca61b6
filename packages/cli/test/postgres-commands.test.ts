import pg from "pg";
import { afterAll, expect, test } from "vitest";
import { testPostgres } from "../../../scripts/test-servers.mjs";
import { run } from "./run.ts";

const url = await testPostgres();
const admin = new pg.Client(url);
await admin.connect();
afterAll(() => admin.end());
/** The server of the tests is meant to be fast. */
const onlyFsync = /^COMMITS_NOT_DURABLE \(warning\): fsync is off\.\n {2}[^\n]*\n$/;
const minute = { timeout: 60_000 };

test("migrate makes the schema, and says when there is nothing to do", minute, async () => {
  const first = await run({}, "migrate", "--world", url, "--schema", "shop");
  expect(first).toEqual({ status: 0, out: "", err: expect.stringMatching(/^The schema "shop" was made, with version \d+\.\n$/) as string });
  const second = await run({}, "migrate", "--world", url, "--schema", "shop");
  expect(second).toMatchObject({ status: 0, err: expect.stringMatching(/^The schema "shop" has version \d+ already\.\n$/) as string });
});

test("migrate --print prints SQL to be run by hand, with grants for a role, and changes nothing", minute, async () => {
  const { status, out, err } = await run({}, "migrate", "--world", url, "--schema", "printed", "--print", "--role", "app printed");
  expect([status, err]).toEqual([0, ""]);
  expect(await run({}, "doctor", "--world", url, "--schema", "printed")).toMatchObject({
    status: 1,
    out: expect.stringContaining("SCHEMA_MISSING") as string,
  });
  await admin.query(`CREATE ROLE "app printed"`);
  await admin.query(out);
  expect(await run({}, "doctor", "--world", url, "--schema", "printed")).toEqual({
    status: 0,
    out: expect.stringMatching(onlyFsync) as string,
    err: "",
  });
  await admin.query(`DROP OWNED BY "app printed"`);
  await admin.query(`DROP ROLE "app printed"`);
});

test("doctor prints what is wrong and what to do, and the status says whether there are problems", minute, async () => {
  await run({}, "migrate", "--world", url, "--schema", "ill");
  await admin.query("DROP INDEX ill.runs_key");
  const text = await run({ styled: true }, "doctor", "--world", url, "--schema", "ill");
  expect(text).toMatchObject({ status: 1, err: "1 problem\n" });
  expect(text.out).toMatch(/^<bold>INDEX_MISSING<\/bold>: The unique index runs_key of runs is missing\.\n {2}Create it /);
  const json = await run({}, "doctor", "--world", url, "--schema", "ill", "--json");
  expect(json.status).toBe(1);
  expect(JSON.parse(json.out)).toEqual({
    problems: [{ code: "INDEX_MISSING", message: "The unique index runs_key of runs is missing.", hint: expect.any(String) as string }],
    warnings: [expect.objectContaining({ code: "COMMITS_NOT_DURABLE", message: "fsync is off." }) as object],
  });
});

test("a database of another kind, one that refuses and one that is not there are told apart", minute, async () => {
  expect(await run({}, "doctor", "--world", "sqlite:./world.db")).toMatchObject({
    status: 2,
    err: expect.stringMatching(/^WORLD_NOT_POSTGRES: "sqlite:" is not a PostgreSQL database\./) as string,
  });
  await admin.query("CREATE SCHEMA taken; CREATE TABLE taken.workers ()");
  expect(await run({}, "migrate", "--world", url, "--schema", "taken")).toMatchObject({
    status: 2,
    err: expect.stringMatching(/^DATABASE_REFUSED: PostgreSQL says: relation "workers" already exists\./) as string,
  });
  for (const command of ["migrate", "doctor"]) {
    expect(await run({}, command, "--world", url.replace(/\/[^/]*$/, "/nowhere"))).toMatchObject({
      status: 2,
      err: expect.stringMatching(/^WORLD_UNAVAILABLE: The database cannot be entered/) as string,
    });
  }
  expect(await run({}, "migrate", "--world", url, "--role", "app")).toMatchObject({
    status: 2,
    err: expect.stringContaining("--role is for --print") as string,
  });
});
