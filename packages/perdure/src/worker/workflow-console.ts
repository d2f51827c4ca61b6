import type { LogLine } from "./asks.ts";
import type { Core } from "./core.ts";
import { observed } from "./observe/observation.ts";
import type { ResidentRun } from "./resident-run.ts";

type Level = "debug" | "log" | "info" | "warn" | "error";

/** Prints what workflow code wrote to its console, and tells observers of it, once: on a replay it was printed before. */
export function showLogs({ observation, options }: Core, run: ResidentRun, logs: readonly LogLine[]): void {
  for (const { level, text } of logs) {
    // oxlint-disable-next-line no-console -- the user's own output
    if (options.printConsole) console[level as Level](text);
    observation.tell?.({ type: "console", level, text, ...observed(run) });
  }
}
