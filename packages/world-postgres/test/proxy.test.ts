import { Client } from "pg";
import { describe, expect, onTestFinished, test } from "vitest";
import { hasTestPostgres, testPostgres } from "../../../scripts/test-servers.mjs";
import { type Fault } from "./support/link.ts";
import { type Proxy, randomFaults, startProxy } from "./support/proxy.ts";

/** A proxy in front of a database with the table `seen (id int)`, a client through it, and what the table holds by a direct connection. */
async function scene(decide: (sql: string) => Fault = () => "none") {
  const url = await testPostgres();
  const proxy = await startProxy(url, decide);
  const direct = await open(url);
  await direct.query("CREATE TABLE seen (id int)");
  onTestFinished(() => proxy.close());
  const seen = async (): Promise<number[]> =>
    (await direct.query<{ id: number }>("SELECT id FROM seen ORDER BY id")).rows.map(({ id }) => id);
  return { proxy, direct, seen, client: () => open(proxy.url) };
}

async function open(url: string): Promise<Client> {
  const client = new Client(url);
  client.on("error", () => {});
  await client.connect();
  onTestFinished(() => client.end().catch(() => {}));
  return client;
}

const insert = (id: number): string => `INSERT INTO seen VALUES (${id})`;

/** The fault for statements that hold the text, once. */
function once(text: string, fault: Fault): (sql: string) => Fault {
  let used = false;
  return (sql) => (used || !sql.includes(text) ? "none" : ((used = true), fault));
}

const conflict = { code: "40001", message: "could not serialize" } as const;

describe.runIf(hasTestPostgres())("the proxy", () => {
  test("without faults lets statements of all kinds through", async () => {
    const { client, seen, proxy } = await scene();
    const one = await client();
    await one.query(insert(1));
    await one.query("INSERT INTO seen SELECT unnest($1::int[])", [[2, 3]]);
    for (const id of [4, 5]) await one.query({ name: "named", text: "INSERT INTO seen VALUES ($1)", values: [id] });
    await expect(one.query("SELECT * FROM nothing WHERE id = $1", [1])).rejects.toMatchObject({ code: "42P01" });
    expect((await one.query("SELECT repeat('x', 300000) AS long")).rows[0].long).toHaveLength(300_000);
    const heard = new Promise((resolve) => one.once("notification", resolve));
    await one.query("LISTEN bell");
    await (await open(proxy.url)).query("SELECT pg_notify('bell', 'ring')");
    expect(await heard).toMatchObject({ channel: "bell", payload: "ring" });
    expect(await seen()).toEqual([1, 2, 3, 4, 5]);
  });

  test.for<[Fault, number[]]>([
    ["before", []],
    ["after", [1]],
  ])("cuts a connection %s a statement is executed", async ([fault, expected]) => {
    const { client, seen } = await scene(once("INSERT", fault));
    const one = await client();
    await expect(one.query("INSERT INTO seen VALUES ($1)", [1])).rejects.toThrow(/ECONNRESET|terminated/);
    expect(await seen()).toEqual(expected);
    await (await client()).query(insert(2));
    expect(await seen()).toEqual([...expected, 2]);
  });

  test("cuts a connection while the server works on a statement, which it finishes", async () => {
    const { client, seen } = await scene(once("pg_sleep", "during"));
    const one = await client();
    await expect(one.query("INSERT INTO seen SELECT 1 FROM pg_sleep(0.3)")).rejects.toThrow(/ECONNRESET|terminated/);
    expect(await seen()).toEqual([]);
    await expect.poll(seen).toEqual([1]);
  });

  test("cuts a connection after COMMIT: the transaction is there, and its client does not know", async () => {
    const { client, seen } = await scene(once("COMMIT", "after"));
    const one = await client();
    await one.query("BEGIN");
    await one.query(insert(1));
    await expect(one.query("COMMIT")).rejects.toThrow(/ECONNRESET|terminated/);
    expect(await seen()).toEqual([1]);
  });

  test("refuses a statement outside a transaction, and the connection goes on", async () => {
    const { client, seen } = await scene(once("$1", conflict));
    const one = await client();
    const named = { name: "named", text: "INSERT INTO seen VALUES ($1)", values: [1] };
    await expect(one.query(named)).rejects.toMatchObject({ code: "40001" });
    expect(await seen()).toEqual([]);
    await one.query(named);
    expect(await seen()).toEqual([1]);
  });

  test("refuses a statement in a transaction, which fails on the server too", async () => {
    const { client, seen } = await scene(once("$1", conflict));
    const one = await client();
    await one.query("BEGIN");
    await one.query(insert(1));
    await expect(one.query("INSERT INTO seen VALUES ($1)", [2])).rejects.toMatchObject({ code: "40001" });
    await expect(one.query(insert(3))).rejects.toMatchObject({ code: "25P02" });
    expect((await one.query("COMMIT")).command).toBe("ROLLBACK");
    await one.query(insert(4));
    expect(await seen()).toEqual([4]);
  });

  test("refuses COMMIT: the transaction is gone, and the connection is outside of it", async () => {
    const { client, seen } = await scene(once("COMMIT", conflict));
    const one = await client();
    await one.query("BEGIN");
    await one.query(insert(1));
    await expect(one.query("COMMIT")).rejects.toMatchObject({ code: "40001" });
    await one.query(insert(2));
    expect(await seen()).toEqual([2]);
  });

  test("freezes and thaws all traffic, also of new connections", async () => {
    const { client, seen, proxy } = await scene();
    const one = await client();
    proxy.freeze();
    let answers = 0;
    const late = [one.query(insert(1)), client().then((two) => two.query(insert(2)))].map((each) => each.then(() => answers++));
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(await seen()).toEqual([]);
    expect(answers).toBe(0);
    proxy.thaw();
    await Promise.all(late);
    expect(await seen()).toEqual([1, 2]);
  });

  test("cuts all connections, takes new ones, and none after it was closed", async () => {
    const { client, proxy } = await scene();
    const clients = [await client(), await client()];
    const running = clients.map((one) => one.query("SELECT pg_sleep(60)"));
    const ends = Promise.allSettled(running);
    proxy.cut();
    expect((await ends).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect((await (await client()).query("SELECT 1 AS one")).rows).toEqual([{ one: 1 }]);
    await proxy.close();
    await expect(client()).rejects.toThrow("ECONNREFUSED");
  });

  test("in bad weather, what was acknowledged is there, what was refused is not, and nothing is there twice", async () => {
    const faults = randomFaults({ seed: 7, before: 0.04, during: 0.04, after: 0.04, serialization: 0.1, refuseListen: true });
    const { seen, proxy } = await scene(faults.decide);
    const said = new Map<number, "acknowledged" | "refused" | "unknown">();
    await Promise.all([1, 2, 3, 4].map((writer) => write(proxy, writer, said)));
    const ids = await seen();
    expect(new Set(ids).size).toBe(ids.length);
    const told = (what: string): number[] => [...said].filter(([, outcome]) => outcome === what).map(([id]) => id);
    expect(ids).toEqual(expect.arrayContaining(told("acknowledged")));
    expect(ids.filter((id) => said.get(id) === "refused")).toEqual([]);
    expect(told("unknown").some((id) => ids.includes(id)) && told("unknown").some((id) => !ids.includes(id))).toBe(true);
    expect(Object.values(faults.counts).every((count) => count > 0)).toBe(true);
  });
});

/** Writes 100 numbers, each in one try, on new connections after each that was cut. */
async function write(proxy: Proxy, writer: number, said: Map<number, "acknowledged" | "refused" | "unknown">): Promise<void> {
  let client: Client | undefined;
  for (let id = writer * 1000; id < writer * 1000 + 100; id++) {
    try {
      client ??= await open(proxy.url);
      await client.query("LISTEN bell").catch(() => {});
      const inTransaction = id % 2 === 0;
      if (inTransaction) await client.query("BEGIN");
      await client.query("INSERT INTO seen VALUES ($1)", [id]);
      if (inTransaction) await client.query("COMMIT");
      said.set(id, "acknowledged");
    } catch (error) {
      const refused = (error as { code?: string }).code === "40001";
      said.set(id, refused ? "refused" : "unknown");
      if (refused) await client!.query("ROLLBACK").catch(() => (client = undefined));
      else client = undefined;
    }
  }
}
