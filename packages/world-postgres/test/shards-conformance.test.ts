import { afterAll, beforeAll, describe, test } from "vitest";
import { testWorld } from "@perdure/world/conformance";
import { hasTestPostgres, testPostgres } from "../../../scripts/test-servers.mjs";
import { createShardedStores, type Stores } from "./support/stores.ts";

/** Each run of the suite has an id of chance, and so lives on any of the three; what runs mean to each other goes from server to server. */
describe.runIf(hasTestPostgres())("three servers", () => {
  let stores: Stores;
  beforeAll(async () => {
    stores = createShardedStores({ a: await testPostgres(), b: await testPostgres(), c: await testPostgres() });
  });
  afterAll(() => stores.close());
  testWorld({
    test: (title, run) => test.concurrent(title, { timeout: 60_000 }, run),
    supports: { processes: true, durable: true },
    create: () => stores.create(),
  });
});
