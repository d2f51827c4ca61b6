import { afterAll, beforeAll, describe, test } from "vitest";
import { testWorld } from "@perdure/world/conformance";
import { hasTestPostgres, testPostgres } from "../../../scripts/test-servers.mjs";
import { createRole } from "./support/role.ts";
import { createStores, type Stores } from "./support/stores.ts";

/** Servers of all kinds. Behind PgBouncer the World finds out itself that nobody can listen and nothing can be prepared. */
const servers = [
  { name: "PostgreSQL 18, by a role that has what it was granted", server: {}, options: {}, byRole: true },
  { name: "PostgreSQL 15", server: { version: "15" }, options: { notify: false }, byRole: false },
  { name: "PostgreSQL 18 behind PgBouncer in transaction mode", server: { pooled: true }, options: {}, byRole: false },
  { name: "PostgreSQL 15 behind PgBouncer in transaction mode", server: { version: "15", pooled: true }, options: {}, byRole: false },
] as const;

// `npm run test:matrix` asks for all of them.
const wanted = process.env["PERDURE_TEST_MATRIX"] === "all" ? servers : [servers[0], servers[3]];

for (const { name, server, options, byRole } of wanted) {
  const isHere = hasTestPostgres(server);
  describe.runIf(isHere)(isHere ? name : `${name} (not installed here)`, () => {
    let stores: Stores | undefined;
    let role: Awaited<ReturnType<typeof createRole>> | undefined;
    beforeAll(async () => {
      const url = await testPostgres(server);
      if (byRole) role = await createRole([url]);
      stores = createStores(url, options, undefined, role);
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
}
