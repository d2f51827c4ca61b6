import { Pool } from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { testWorld } from "@perdure/world/conformance";
import { hasTestPostgres, testPostgres } from "../../../scripts/test-servers.mjs";
import { patience } from "./support/patience.ts";
import { type Proxy, randomFaults, startProxy } from "./support/proxy.ts";
import { createStores, type Stores } from "./support/stores.ts";

/** Stands for networks and failovers, and for engines that speak PostgreSQL's protocol and have no LISTEN and many conflicts. */
const weather = {
  seed: 1,
  serialization: 0.02,
  before: 0.005,
  during: 0.003,
  after: 0.005,
  refuseListen: true,
};

/**
 * A claim that is made again because its answer was lost gives the runs at the fence after the next, and tells of no takeover: not what the suite
 * asks of a claim (lost-answers.test.ts says what comes of it). So a claim is lost on its way there only, which its caller cannot tell from the other.
 */
const isClaim = (sql: string): boolean => sql.includes("took_over");

describe.runIf(hasTestPostgres())("through connections that break, and a server that refuses at random", () => {
  const faults = randomFaults(weather);
  const exposed = { count: 0 };
  let proxy: Proxy;
  let pool: Pool;
  let stores: Stores;
  beforeAll(async () => {
    const url = await testPostgres();
    // A transaction of a hundred statements would hardly ever end if each of them could fail.
    const isSpared = (sql: string, place: number): boolean => (exposed.count > 0 && sql === "COMMIT") || place > 20;
    proxy = await startProxy(url, (sql, place) => {
      if (isSpared(sql, place)) return "none";
      const fault = faults.decide(sql);
      return isClaim(sql) && (fault === "during" || fault === "after") ? "before" : fault;
    });
    pool = new Pool({ connectionString: proxy.url, max: 30 });
    pool.on("error", () => {});
    stores = createStores(url, { pool, patienceMs: 100_000 }, () => patience(exposed));
  });
  afterAll(async () => {
    await stores.close();
    await pool.end();
    await proxy.close();
    expect(Object.values(faults.counts).every((count) => count > 0)).toBe(true);
  });
  testWorld({
    test: (title, run) => test.concurrent(title, { timeout: 120_000 }, run),
    supports: { processes: true, durable: true },
    create: () => stores.create(),
  });
});
