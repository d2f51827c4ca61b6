/** `transaction()` of @perdure/world-postgres, in steps that a worker executes. */
import pg from "pg";
import { createPostgresWorld, transaction } from "@perdure/world-postgres";
import { describe, expect, onTestFinished, test } from "vitest";

import { hasTestPostgres, testPostgres } from "../../../scripts/test-servers.mjs";
import { start } from "../src/api/index.ts";
import { getStepMetadata, getWritable, heartbeat } from "../src/index.ts";
import { step } from "../src/internal.ts";
import { workflowOf } from "./support/bundle.ts";
import { anotherWorker, until, useWorld } from "./support/lab.ts";

/** The World of this process, in a fresh database with the table `effects (what text)`. */
async function usePostgres(leaseMs = 5000) {
  const url = await testPostgres();
  const pool = new pg.Pool({ connectionString: url });
  await pool.query("CREATE TABLE effects (what text)");
  const world = createPostgresWorld({ url });
  onTestFinished(async () => {
    await world.close();
    await pool.end();
  });
  await useWorld({ leaseMs }, world);
  const effects = async (): Promise<string[]> =>
    (await pool.query<{ what: string }>("SELECT what FROM effects ORDER BY what")).rows.map(({ what }) => what);
  return { url, pool, world, effects };
}

const write = (what: string) => async (client: pg.PoolClient) => void (await client.query("INSERT INTO effects VALUES ($1)", [what]));

describe.runIf(hasTestPostgres())("transaction() in a step", () => {
  test("is made once when the step fails behind it, and its value is the same for each attempt", async () => {
    const { effects } = await usePostgres();
    const values: unknown[] = [];
    const given = { at: new Date(5), map: new Map([["a", 1n]]), nothing: undefined };
    step(
      "tx#retried",
      Object.assign(
        async () => {
          const { attempt } = getStepMetadata();
          const value = await transaction(async (client) => (await write(`attempt ${attempt}`)(client), given));
          values.push(value);
          if (attempt < 3) throw new Error("behind it");
          return value;
        },
        { options: { retry: { initialDelay: 1 } } },
      ),
      "retried",
    );
    const flow = workflowOf("tx#retry", "()=>callStep('tx#retried',[])");
    const run = await start(flow, []);
    expect(await run.returnValue).toEqual(given);
    expect(values).toEqual([given, given, given]);
    // Not what the function gave, but what was stored of it, also the first time.
    expect(values.every((value) => value !== given)).toBe(true);
    expect(await effects()).toEqual(["attempt 1"]);
  });

  test("may call what its run commits meanwhile", async () => {
    const { effects } = await usePostgres();
    step(
      "tx#talks",
      async () =>
        transaction(async (client) => {
          await write("one")(client);
          heartbeat(1);
          const writer = getWritable({ namespace: "log" }).getWriter();
          await writer.write("in the middle");
          await writer.close();
          return "done";
        }),
      "talks",
    );
    const run = await start(workflowOf("tx#talk", "()=>callStep('tx#talks',[])"), []);
    expect(await run.returnValue).toBe("done");
    expect(await effects()).toEqual(["one"]);
  });

  test("of an attempt that lost its run to another worker is rolled back; the other worker's counts", async () => {
    const { world, pool, effects } = await usePostgres(400);
    let begun = (): void => {};
    let goOn = (): void => {};
    const hasBegun = new Promise<void>((resolve) => (begun = resolve));
    const mayGoOn = new Promise<void>((resolve) => (goOn = resolve));
    let zombie: Promise<unknown> | null = null;
    let calls = 0;
    step(
      "tx#slow",
      async () => {
        if (++calls > 1) return transaction(write("owner")).then(() => "owner");
        zombie = transaction(async (client) => {
          await write("zombie")(client);
          begun();
          await mayGoOn;
        });
        zombie.catch(() => {});
        await zombie;
        return "zombie";
      },
      "slow",
    );
    const run = await start(workflowOf("tx#lost", "()=>callStep('tx#slow',[])"), [], { id: "lost" });
    await hasBegun;
    // The lease is over for whoever looks, and the worker of this process does not know.
    await pool.query("UPDATE perdure.runs SET owner = 1 WHERE key = 'lost'");
    await anotherWorker(world, { leaseMs: 400 });
    await until(async () => (await pool.query("SELECT 1 FROM perdure.runs WHERE key = 'lost' AND fence = 2")).rowCount === 1, "takeover");
    goOn();
    await expect(zombie).rejects.toMatchObject({ code: "TRANSACTION_FENCED" });
    expect(await run.returnValue).toBe("owner");
    expect(await effects()).toEqual(["owner"]);
  });

  test("mistakes are not tried again", async () => {
    await usePostgres();
    let attempts = 0;
    step("tx#nested", async () => (attempts++, transaction(() => transaction(write("x")))), "nested");
    const flow = workflowOf("tx#mistake", "async()=>{try{await callStep('tx#nested',[])}catch(e){return [e.name,e.code]}}");
    expect(await (await start(flow, [])).returnValue).toEqual(["TransactionError", "TRANSACTION_NESTED"]);
    expect(attempts).toBe(1);
  });
});
