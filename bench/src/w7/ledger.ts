/** Which attempts began, and when: a file that outlives the processes which append to it. */
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";

export interface LedgerLine {
  readonly pid: number;
  /** By the clock of the machine, ms since the epoch. */
  readonly at: number;
  /** `getStepMetadata().stepId`: the run's id, a slash, the operation. */
  readonly step: string;
}

/** Appends a line with one write: a killed process leaves whole lines only. */
export function openLedger(path: string): (step: string) => void {
  const file = openSync(path, "a");
  return (step) => void writeSync(file, `${process.pid} ${Date.now()} ${step}\n`);
}

export function createLedger(path: string): void {
  closeSync(openSync(path, "a"));
}

/** How many lines there are, while others append. */
export function countLines(path: string): number {
  let count = 0;
  for (const byte of readFileSync(path)) if (byte === 10) count++;
  return count;
}

export function readLedger(path: string): LedgerLine[] {
  const lines = readFileSync(path, "utf8").split("\n").filter(Boolean);
  return lines.map((line) => {
    const [pid, at, ...step] = line.split(" ");
    return { pid: Number(pid), at: Number(at), step: step.join(" ") };
  });
}
