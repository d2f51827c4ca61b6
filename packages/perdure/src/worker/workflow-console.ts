import type { LogLine } from "./asks.ts";

type Level = "debug" | "log" | "info" | "warn" | "error";

/** Prints what workflow code wrote to its console, once: on a replay it was printed before. */
export function printLogs(logs: readonly LogLine[]): void {
  for (const { level, text } of logs) {
    // oxlint-disable-next-line no-console -- the user's own output
    console[level as Level](text);
  }
}
