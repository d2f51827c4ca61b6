export { createPostgresWorld } from "./postgres-world.ts";
export type { PostgresWorldOptions } from "./postgres-world.ts";
export type { PgQueryable } from "./database/source.ts";
