import { namedNumbers, type Report } from "./report.ts";

/** A report for people: a line per figure, with its target beside it. */
export function tableOf(report: Report, summary: string): string {
  const { name, machine, figures, targets, runs, options, met } = report;
  const lines = [`${name}: ${summary}`, `${machine.database} · ${machine.cores} cores · Node ${machine.node} · measured ${runs} times`];
  if (options)
    lines.push(
      `not by default: ${Object.entries(options)
        .map(([option, value]) => `--${option} ${value}`)
        .join(" ")}`,
    );
  lines.push("");
  const rows = Object.entries(figures)
    .flatMap(([figure, value]) => namedNumbers(figure, value))
    .map(([name, value]) => ({
      name,
      value: value.toLocaleString("en", { maximumFractionDigits: 6 }),
    }));
  const nameWidth = Math.max(...rows.map((row) => row.name.length));
  const valueWidth = Math.max(...rows.map((row) => row.value.length));
  for (const row of rows) {
    const verdicts = targets
      .filter(({ figure }) => figure === row.name)
      .map(({ op, bound, met: isMet }) => `   target ${op} ${bound}: ${isMet ? "met" : "MISSED"}`);
    lines.push(`  ${row.name.padEnd(nameWidth)}  ${row.value.padStart(valueWidth)}${verdicts.join("")}`);
  }
  if (targets.length > 0) lines.push("", met ? "All targets met." : "Not all targets met.");
  return lines.join("\n");
}
