import { afterAll, beforeAll, describe, test } from "vitest";
import { testWorld } from "@perdure/world/conformance";
import { hasTestPostgres, testPostgres } from "../../../scripts/test-servers.mjs";
import { createRole } from "./support/role.ts";
import { createStores, type Stores } from "./support/stores.ts";

/** Servers of all kinds. Behind PgBouncer the World finds out itself that nobody can listen and nothing can be prepared. */
const servers = [
  ["PostgreSQL 18, by a role that has what it was granted", {}, {}],
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
    let role: Awaited<ReturnType<typeof createRole>> | null = null;
    beforeAll(async () => {
      const url = await testPostgres(server);
      if (server === servers[0][1]) role = await createRole([url]);
      stores = createStores(url, options, undefined, role ?? undefined);
    });
    afterAll(async () => {
      await stores.close();
      await role?.drop();
    });
    testWorld({
      test: (title, run) => test.concurrent(title, { timeout: 60_000 }, run),
      supports: { processes: true, durable: true },
      create: () => stores.create(),
    });
  });
}
