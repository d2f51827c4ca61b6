import { afterAll, beforeAll, describe, test } from "vitest";
import { testWorld } from "@perdure/world/conformance";
import { hasTestPostgres, testPostgres } from "../../../scripts/test-servers.mjs";
import { createStores, type Stores } from "./support/stores.ts";

/** Servers of all kinds. Behind PgBouncer the World finds out itself that nobody can listen and nothing can be prepared. */
const servers = [
  ["PostgreSQL 18", {}, {}],
  ["PostgreSQL 15", { version: "15" }, { notify: false }],
  ["PostgreSQL 18 behind PgBouncer in transaction mode", { pooled: true }, {}],
  ["PostgreSQL 15 behind PgBouncer in transaction mode", { version: "15", pooled: true }, {}],
] as const;

// `npm run test:matrix` asks for all of them.
const wanted = process.env["PERDURE_TEST_MATRIX"] === "all" ? servers : [servers[0], servers[3]];

for (const [name, server, options] of wanted) {
  const isHere = hasTestPostgres(server);
  describe.runIf(isHere)(isHere ? name : `${name} (not installed here)`, () => {
    let stores: Stores;
    beforeAll(async () => {
      stores = createStores(await testPostgres(server), options);
    });
    afterAll(() => stores.close());
    testWorld({
      test: (title, run) => test.concurrent(title, { timeout: 60_000 }, run),
      supports: { processes: true, durable: true },
      create: () => stores.create(),
    });
  });
}
