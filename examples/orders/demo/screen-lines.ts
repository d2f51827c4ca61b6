import { approvalStage, type Row } from "./rows.ts";
import type { Screen, View } from "./screen.ts";

const summaryEveryMs = 1000;

/** For logs: a line when an order waits for a human, goes on after the kill, or ends; and a summary now and then, when something has changed. */
export function createLines(): Screen {
  const startedAt = Date.now();
  const shown = new Map<string, string>();
  let summary = "";
  let summaryAt = 0;
  const say = (text: string) => console.log(`${((Date.now() - startedAt) / 1000).toFixed(1).padStart(5)} s  ${text}`);

  function show(row: Row): void {
    const milestone = milestoneOf(row);
    if (milestone === null || shown.get(row.id) === milestone) return;
    shown.set(row.id, milestone);
    say(`  order ${row.id} ${milestone}${row.resumed && row.tone === "done" ? ` (${row.resumed})` : ""}`);
  }

  function summarise(view: View): void {
    const text = summaryOf(view.rows);
    if (text === summary || Date.now() - summaryAt < summaryEveryMs) return;
    summary = text;
    summaryAt = Date.now();
    say(text);
  }

  return {
    say,
    update(view) {
      for (const row of view.rows) show(row);
      summarise(view);
    },
    end() {},
  };
}

function milestoneOf({ tone, stage, note, attempts }: Row): string | null {
  if (tone === "done") return `completed, ${attempts} attempts of its steps`;
  if (tone === "bad") return `${stage}: ${note}`;
  return stage === approvalStage ? stage : null;
}

/** `3 charging, 2 sleeping, 15 completed`, in the order of the rows. */
function summaryOf(rows: readonly Row[]): string {
  const counts = new Map<string, number>();
  for (const row of rows) {
    const stage = row.stage || "not ordered yet";
    counts.set(stage, (counts.get(stage) ?? 0) + 1);
  }
  return [...counts].map(([stage, count]) => `${count} ${stage}`).join(", ");
}
