import logUpdate from "log-update";
import colors from "picocolors";

import type { Row } from "./rows.ts";
import type { Screen, View } from "./screen.ts";

const paint: Record<Row["tone"], (text: string) => string> = {
  idle: colors.dim,
  work: colors.cyan,
  wait: colors.yellow,
  done: colors.green,
  bad: colors.red,
};

const mark: Record<Row["tone"], string> = { idle: " ", work: "▸", wait: "◦", done: "✔", bad: "✘" };

const noteWidth = 18;

/** A headline, a row per order, a line of totals: 23 lines of at most 79 characters for 20 orders. */
export function createTable(): Screen {
  let last = "";
  return {
    say(text) {
      logUpdate.clear();
      console.log(text);
      if (last) logUpdate(last);
    },
    update(view) {
      last = draw(view);
      logUpdate(last);
    },
    end() {
      logUpdate.done();
    },
  };
}

function draw({ headline, rows }: View): string {
  const header = line("order", "amount", "stage", "note", "attempts", "resumed");
  return [colors.bold(headline), colors.underline(header), ...rows.map(drawRow), totals(rows)].join("\n");
}

function drawRow(row: Row): string {
  const text = line(
    row.id,
    row.amount,
    `${mark[row.tone]} ${row.stage}`,
    row.note,
    row.attempts > 0 ? String(row.attempts) : "",
    row.resumed,
  );
  return paint[row.tone](text);
}

function line(order: string, amount: string, stage: string, note: string, attempts: string, resumed: string): string {
  const cut = note.length > noteWidth ? `${note.slice(0, noteWidth - 1)}…` : note;
  return `${order.padEnd(5)}${amount.padStart(8)}  ${stage.padEnd(19)}  ${cut.padEnd(noteWidth)}${attempts.padStart(9)} ${resumed.padEnd(15)}`;
}

function totals(rows: readonly Row[]): string {
  const count = (tone: Row["tone"]) => rows.filter((row) => row.tone === tone).length;
  const parts = [`${count("done")} of ${rows.length} completed`, `${count("work")} at work`, `${count("wait")} waiting`];
  return colors.dim(parts.join(" · "));
}
