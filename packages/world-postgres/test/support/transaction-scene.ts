/** A World in a fresh database, maybe behind a proxy, with a table for the effects of steps. */

import pg from "pg";
import { onTestFinished } from "vitest";
import type { World } from "@perdure/world";
import { testPostgres } from "../../../../scripts/test-servers.mjs";
import { createPostgresWorld, type PostgresWorldOptions } from "../../src/index.ts";
import type { Fault } from "./link.ts";
import { startProxy } from "./proxy.ts";

export interface Scene {
  readonly url: string;
  readonly world: World;
  /** A connection past the proxy. */
  readonly direct: pg.Client;
  /** What the step wrote: the table `effects (what text)`. */
  effects(): Promise<string[]>;
}

/** A World in a fresh database, behind a proxy if there are faults. */
export async function scene(options: Omit<PostgresWorldOptions, "url"> = {}, decide?: (sql: string) => Fault): Promise<Scene> {
  const url = await testPostgres();
  const proxy = decide && (await startProxy(url, decide));
  const world = createPostgresWorld({ url: proxy?.url ?? url, ...options });
  await world.setup();
  const direct = new pg.Client(url);
  await direct.connect();
  await direct.query("CREATE TABLE effects (what text)");
  onTestFinished(async () => {
    await direct.end();
    await world.close();
    await proxy?.close();
  });
  const effects = async (): Promise<string[]> =>
    (await direct.query<{ what: string }>("SELECT what FROM effects ORDER BY what")).rows.map(({ what }) => what);
  return { url, world, direct, effects };
}

export const write = (what: string) => async (client: pg.PoolClient) => {
  await client.query("INSERT INTO effects VALUES ($1)", [what]);
  return what;
};

/** The fault for the first statement that holds the text. */
export function once(text: string, fault: Fault): (sql: string) => Fault {
  let used = false;
  return (sql) => (used || !sql.includes(text) ? "none" : ((used = true), fault));
}

export const fail = (error: Error) => async (): Promise<never> => {
  throw error;
};

/** A promise, and what resolves it. */
export function gate(): { readonly opened: Promise<void>; open(): void } {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}
