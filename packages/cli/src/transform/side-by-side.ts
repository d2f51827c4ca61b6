import stringWidth from "string-width";
import type { Terminal } from "../terminal.ts";
import { linesOf, type OutputLine, traceLines } from "./source-lines.ts";
import { targets, titles, type Transformed } from "./transform.ts";

/** Below this many columns, code would be wrapped more often than not. */
const leastColumns = 120;
const gap = " │ ";

/** Whether two columns of code fit beside each other. */
export function roomForTwo(columns: number | null): columns is number {
  return columns !== null && columns >= leastColumns;
}

/** A line with the mark that says how it differs from the source. */
interface Cell extends OutputLine {
  readonly mark: " " | "~" | "+";
}

/**
 * Prints both targets beside each other, what came from one line of the source on one row. In front of each line stand its number in the source and a mark: `~` for a line that was
 * changed, `+` for one that was added.
 */
export function printSideBySide({ source, outputs }: Transformed, terminal: Terminal, columns: number): void {
  if (outputs === null) return;
  const sourceLines = linesOf(source.code);
  const sides = targets.map((target) => groupBySource(traceLines(outputs[target]), sourceLines));
  const width = Math.floor((columns - gap.length) / 2);
  const digits = String(sourceLines.length).length;
  const codeWidth = width - digits - 3;

  const title = targets.map((target) => terminal.style("bold", padEnd(titles[target], width)));
  terminal.out(
    `${title.join(terminal.style("dim", gap)).trimEnd()}\n${terminal.style("dim", `${"─".repeat(width)}─┼─${"─".repeat(width)}`)}\n`,
  );
  for (let line = 0; line <= sourceLines.length + 1; line++) {
    const columnsOfRow = sides.map((groups) => (groups.get(line) ?? []).flatMap((cell) => wrapCell(cell, codeWidth)));
    const isBlank = sourceLines[line - 1]?.trim() === "";
    const height = Math.max(isBlank ? 1 : 0, ...columnsOfRow.map((cells) => cells.length));
    for (let row = 0; row < height; row++) {
      const texts = columnsOfRow.map((cells) => renderCell(cells[row], { digits, width, terminal }));
      terminal.out(`${texts.join(terminal.style("dim", gap)).trimEnd()}\n`);
    }
  }
  terminal.out(terminal.style("dim", `\nNumbers are lines of ${source.name}. ~ changed, + added.\n`));
}

function withMark(line: OutputLine, sourceLines: readonly string[]): Cell {
  if (line.from === null) return { ...line, mark: "+" };
  return { ...line, mark: line.inPlace && sourceLines[line.from - 1] === line.text ? " " : "~" };
}

/**
 * By source line. What has no place of its own follows what precedes it; line 0 is above the source, and one more than it has is below. Blank lines are left out: those of the
 * source have rows anyhow.
 */
function groupBySource(lines: readonly OutputLine[], sourceLines: readonly string[]): ReadonlyMap<number, Cell[]> {
  const groups = new Map<number, Cell[]>();
  const end = lines.findLastIndex(({ inPlace }) => inPlace);
  let current = 0;
  for (const [index, line] of lines.entries()) {
    if (line.text.trim() === "") continue;
    if (line.inPlace && line.from !== null) current = line.from;
    if (index > end) current = sourceLines.length + 1;
    const group = groups.get(current) ?? [];
    group.push(withMark(line, sourceLines));
    groups.set(current, group);
  }
  return groups;
}

/** One cell for each line on the screen; only the first has a number. */
function wrapCell(cell: Cell, width: number): Cell[] {
  return wrap(cell.text.replaceAll("\t", "  "), width).map((text, index) => ({ ...cell, text, from: index === 0 ? cell.from : null }));
}

const segmenter = new Intl.Segmenter("en", { granularity: "grapheme" });

/** Breaks a line after the last space that leaves it two thirds full, else where it is full. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let rest = text;
  while (stringWidth(rest) > width) {
    const full = fitting(rest, width);
    const space = full.lastIndexOf(" ") + 1;
    const line = space > (full.length * 2) / 3 ? full.slice(0, space) : full;
    lines.push(line);
    rest = rest.slice(line.length);
  }
  return [...lines, rest];
}

/** The longest beginning of a text that is no wider, one character at least. */
function fitting(text: string, width: number): string {
  let [end, used] = [0, 0];
  for (const { segment } of segmenter.segment(text)) {
    used += stringWidth(segment);
    if (used > width && end > 0) break;
    end += segment.length;
  }
  return text.slice(0, end);
}

interface Layout {
  readonly digits: number;
  readonly width: number;
  readonly terminal: Terminal;
}

function renderCell(cell: Cell | undefined, { digits, width, terminal }: Layout): string {
  if (cell === undefined) return " ".repeat(width);
  const number = terminal.style("dim", String(cell.from ?? "").padStart(digits));
  const code = `${cell.mark} ${padEnd(cell.text, width - digits - 3)}`;
  return `${number} ${cell.mark === " " ? code : terminal.style(cell.mark === "+" ? "green" : "yellow", code)}`;
}

function padEnd(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - stringWidth(text)));
}
