import { getWorld } from "perdure/runtime";

import type { ListedOrder } from "./shop-client.ts";

/** What the World knows of a run: read by the demo itself, beside the server or after its death. */
export interface RunHistory {
  readonly runId: string;
  readonly status: ListedOrder["status"];
  /** What it waits for, or why it failed. */
  readonly note: string | null;
  /** Steps whose result is committed: their `stepId`s. */
  readonly results: ReadonlySet<string>;
  /** Attempts whose outcome is committed, success or not: `stepId attempt`. */
  readonly outcomes: ReadonlySet<string>;
}

/** The histories of all runs in the World that `PERDURE_WORLD` names, by run id. */
export async function readHistories(): Promise<Map<string, RunHistory>> {
  const world = await getWorld();
  const { runs } = await world.query.runs({ limit: 1000 });
  const histories = new Map<string, RunHistory>();
  for (const { id, key, status, note } of runs) {
    const results = new Set<string>();
    const outcomes = new Set<string>();
    for (const { data } of (await world.load(id)).rows) {
      const event = eventOf(data);
      if (!event.type.startsWith("step_")) continue;
      const stepId = `${id}/${event.op}`;
      outcomes.add(attemptKey(stepId, event.attempt));
      if (event.type !== "step_retrying") results.add(stepId);
    }
    histories.set(key ?? id, { runId: key ?? id, status, note, results, outcomes });
  }
  return histories;
}

/** Names one attempt of one step. */
export function attemptKey(stepId: string, attempt: number): string {
  return `${stepId} ${attempt}`;
}

// A row is a line of JSON that says what happened, and the payload. The format is the runtime's own: applications ask the API, this demo wants to see with its own
// eyes.
function eventOf(row: Uint8Array): { type: string; op: string; attempt: number } {
  const text = Buffer.from(row).toString("utf8");
  return JSON.parse(text.slice(0, text.indexOf("\n"))) as { type: string; op: string; attempt: number };
}
