/** For tests of workflows: replays what runs have done on the code as it is now. See docs/testing.md. */
export { replayHistory } from "./replay-history.ts";
export type { ReplayedRun } from "./replay-history.ts";
export { HistoryDifferenceError } from "./replay-error.ts";
export type { RecordedBundle, RecordedHistory, RecordedInput, RecordedRow } from "../recorded-history.ts";
export type { RunWait } from "../api/history.ts";
export type { SourcePosition } from "../source-position.ts";
