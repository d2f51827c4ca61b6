import { afterAll, beforeAll, describe, test } from "vitest";
import { testWorld } from "@perdure/world/conformance";
import { hasTestPostgres, testPostgres } from "../../../scripts/test-servers.mjs";
import { createRole } from "./support/role.ts";
import { createShardedStores, type Stores } from "./support/stores.ts";

/** Each run of the suite has an id of chance, and so lives on any of the three; what runs mean to each other goes from server to server. By a role that has what it was granted. */
describe.runIf(hasTestPostgres())("three servers", () => {
  let stores: Stores | undefined;
  let role: Awaited<ReturnType<typeof createRole>> | undefined;
  beforeAll(async () => {
    const urls = { a: await testPostgres(), b: await testPostgres(), c: await testPostgres() };
    role = await createRole(Object.values(urls));
    stores = createShardedStores(urls, role);
  });
  afterAll(async () => {
    await stores?.close();
    await role?.drop();
  });
  testWorld({
    test: (title, run) => test.concurrent(title, { timeout: 60_000 }, run),
    supports: { processes: true, durable: true },
    create: () => stores!.create(),
  });
});
