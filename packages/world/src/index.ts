export {
  assertBatch,
  assertChunks,
  assertCode,
  assertCount,
  assertMessages,
  assertNewRuns,
  assertWorker,
  commitProblem,
  isName,
  storableText,
} from "./arguments.ts";
export type { Hint, Unwatch, World, WorldSupports } from "./contract.ts";
export { WorldError } from "./errors.ts";
export type { WorldErrorCode } from "./errors.ts";
export { createHints } from "./hints.ts";
export type { Hints } from "./hints.ts";
export type * from "./records.ts";
