import { createPostgresWorld } from "@perdure/world-postgres";

import type { BenchWorld, OpenOptions } from "./bench-world.ts";
import { connections, createBarePostgres } from "./postgres-bare.ts";
import { createPostgresMeter } from "./postgres-meter.ts";
import { openServer } from "./postgres-server.ts";
import { createWorldYardstick } from "./world-yardstick.ts";

/** A World in a new database; the yardsticks have databases of their own beside it, in the same server. */
export async function openPostgres({ url: given, metered = false }: OpenOptions): Promise<BenchWorld> {
  const server = await openServer(given);
  const url = await server.createDatabase("world");
  const meter = metered ? await createPostgresMeter(url) : null;
  return {
    world: createPostgresWorld({ url }),
    database: server.version,
    durable: true,
    place: url,
    bare: async (row) => createBarePostgres(await server.createDatabase("bare"), row),
    commits: async (row) => createWorldYardstick(createPostgresWorld({ url: await server.createDatabase("commits") }), row, connections),
    meter,
    async remove() {
      await meter?.close();
      await server.close();
    },
  };
}
