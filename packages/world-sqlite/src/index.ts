export { createSqliteWorld } from "./sqlite-world.ts";
export type { SqliteWorldOptions } from "./sqlite-world.ts";
