import { approvalStage, type Row } from "./rows.ts";
import type { Screen, View } from "./screen.ts";

const summaryEveryMs = 1000;

/** For logs: a line when an order waits for a human, goes on after the kill, or ends; and a summary now and then, when something has changed. */
export function createLines(): Screen {
  const startedAt = Date.now();
  const shown = new Set<string>();
  let summary = "";
  let summaryAt = startedAt;
  const say = (text: string) => console.log(`${((Date.now() - startedAt) / 1000).toFixed(1).padStart(5)} s  ${text}`);

  function show(row: Row): void {
    const [kind, text] = milestoneOf(row) ?? [];
    const key = `${row.id} ${kind}`;
    if (text === undefined || shown.has(key)) return;
    shown.add(key);
    say(`  order ${row.id} ${text}`);
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

/** What deserves a line, once per order and kind. */
function milestoneOf({ tone, stage, note, attempts, goesOn, resumed }: Row): [kind: string, text: string] | null {
  if (tone === "done") return ["end", `completed, ${attempts} attempts of its steps`];
  if (tone === "bad") return ["end", `${stage}: ${note}`];
  if (stage === approvalStage) return ["approval", stage];
  return goesOn ? ["goes on", `goes on with ${stage} (${resumed})`] : null;
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
