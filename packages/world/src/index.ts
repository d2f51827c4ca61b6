export type { Hint, Unwatch, World, WorldSupports } from "./contract.ts";
export { WorldError } from "./errors.ts";
export type { WorldErrorCode } from "./errors.ts";
export type * from "./records.ts";
