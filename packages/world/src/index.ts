export {
  assertAmendment,
  assertAppends,
  assertBatch,
  assertCode,
  assertCount,
  assertMessages,
  assertNewRuns,
  assertQueryRuns,
  assertRunEnd,
  assertWorker,
} from "./arguments.ts";
export { attributeCountProblem, attributeText, attributeTexts, MAX_ATTRIBUTES, toAttributes } from "./attributes.ts";
export { ANSWER_KIND, answerId, answerPayload } from "./awaits.ts";
export type { AnswerStatus } from "./awaits.ts";
export { firstCommit } from "./beginnings.ts";
export { commitProblem } from "./commit-problem.ts";
export type { Hint, Unwatch, World, WorldSupports } from "./contract.ts";
export { WorldError } from "./errors.ts";
export type { WorldErrorCode } from "./errors.ts";
export { createHints } from "./hints.ts";
export type { Hints } from "./hints.ts";
export type * from "./records.ts";
export { placedToken, SLOTS, slotOf, slotOfToken, withSlot } from "./slots.ts";
export { isName, isRunId, storableText } from "./storable.ts";
