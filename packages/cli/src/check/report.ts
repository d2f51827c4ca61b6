import type { CheckedVersion, CheckReport, SourcePosition } from "perdure/api";
import type { Terminal } from "../terminal.ts";

/** What a report says in short, for the exit status and the last line. */
export interface Problems {
  /** What keeps runs from going on. */
  readonly broken: readonly string[];
  /** Runs that would not go on with the new code, and keep their own. */
  readonly different: readonly string[];
}

export function problemsOf({ versions, unavailable }: CheckReport): Problems {
  const missing = new Set(versions.flatMap(({ missingSteps }) => missingSteps.map(({ stepId }) => stepId)));
  const changed = new Set(versions.flatMap(({ changedSteps }) => changedSteps.map(({ stepId }) => stepId)));
  const lost = versions.filter((version) => version.lost !== null);
  const staying = versions.reduce((sum, version) => sum + stayingRuns(version), 0);
  return {
    broken: [
      ...counted(missing.size, "missing step"),
      ...counted(changed.size, "changed step"),
      ...counted(lost.length, "version without its code", "versions without their code"),
      ...(unavailable.length > 0 ? [`no answer from ${unavailable.join(", ")}`] : []),
    ],
    different: counted(staying, "run that keeps its own code", "runs that keep their own code"),
  };
}

const stayingRuns = ({ differences, failures }: CheckedVersion): number =>
  [...differences, ...failures].reduce((sum, { runs }) => sum + runs, 0);

/** The report for people: workflow by workflow, the versions of each, what is wrong in the order in which it matters. */
export function writeReport(report: CheckReport, terminal: Terminal): void {
  const { openRuns, versions } = report;
  const say = (text = ""): void => terminal.out(`${text}\n`);
  say(`${number(openRuns, "open run")} of ${number(versions.length, "version")}`);
  let workflow = "";
  for (const version of versions) {
    if (version.workflowId !== workflow) {
      workflow = version.workflowId;
      say(`\n${terminal.style("bold", workflow)}`);
    }
    for (const line of linesOf(version, terminal)) say(`  ${line}`);
  }
}

function linesOf(version: CheckedVersion, { style }: Terminal): string[] {
  const { openRuns, checkedRuns, lost, missingSteps, changedSteps } = version;
  const sampled = checkedRuns < openRuns ? `, ${checkedRuns} of them looked at` : "";
  const lines = [`version ${short(version.version)}  ${number(openRuns, "run")}${sampled}${verdictOf(version)}`];
  if (lost !== null)
    lines.push(
      style("yellow", `  ${lost}: ${lost === "BUNDLE_CORRUPT" ? "its code was altered" : "its code is nowhere"}; its runs cannot go on`),
    );
  for (const { stepId, waitingRuns } of missingSteps)
    lines.push(style("yellow", `  missing step ${stepId}`) + (waitingRuns > 0 ? `: ${number(waitingRuns, "run")} wait for it now` : ""));
  for (const { stepId, difference } of changedSteps) lines.push(style("yellow", `  changed step ${stepId}`) + `: ${difference}`);
  for (const { runs, recorded, actual, recordedAt, actualAt, row, examples } of version.differences) {
    lines.push(
      `  ${number(runs, "run")} ${verb(runs, "keeps its", "keep their")} own code:`,
      ...aligned([
        ["history", recorded, place(recordedAt), recordedAt?.text ?? ""],
        ["new code", actual, place(actualAt), actualAt?.text ?? ""],
      ]).map((text) => `    ${text}`),
      style("dim", `    at row ${row + 1} of ${named(runs, examples)}`),
    );
  }
  for (const { runs, code, message, examples } of version.failures)
    lines.push(
      `  ${number(runs, "run")} ${verb(runs, "keeps its", "keep their")} own code: ${code}: ${message}`,
      style("dim", `    ${named(runs, examples)}`),
    );
  return lines;
}

function verdictOf({ version, currentVersion, upgrade, checkedRuns, compatibleRuns }: CheckedVersion): string {
  if (currentVersion === null) return ": the new build does not have the workflow, they keep their code";
  if (currentVersion === version) return ": the code of the new build";
  const how = upgrade === "compatible" ? "will go on" : "keep their code, and would go on the same";
  return `: ${compatibleRuns === checkedRuns ? "all" : number(compatibleRuns)} ${how} with the new code, ${short(currentVersion)}`;
}

const short = (version: string): string => version.slice(0, 12);

const place = (at: SourcePosition | null): string => (at ? `${at.file}:${at.line}:${at.column}` : "");

function named(runs: number, examples: readonly string[]): string {
  const others = runs - examples.length;
  return `${examples.join(", ")}${others > 0 ? ` and ${others} more` : ""}`;
}

/** Cells of the same column begin at the same place. */
function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

const number = (count: number, one = "", many = one && `${one}s`): string =>
  `${count.toLocaleString("en")} ${count === 1 ? one : many}`.trimEnd();

const verb = (count: number, one: string, many: string): string => (count === 1 ? one : many);

const counted = (count: number, one: string, many?: string): string[] => (count === 0 ? [] : [number(count, one, many)]);
