/**
 * A file outside of the World that says what steps really did: a line when an attempt begins and one when its effect has happened. Lines are
 * appended by all processes, each with one write that is on the disk before the step goes on, so that their order is the order of events.
 */
import { closeSync, fdatasync, fstatSync, openSync, readSync, writeSync } from "node:fs";
import { promisify } from "node:util";

export interface LedgerLine {
  readonly kind: "attempt" | "effect";
  /** `getStepMetadata().stepId`: the run's id, a slash, the operation. */
  readonly step: string;
  /** 1 for the first attempt. */
  readonly attempt: number;
  readonly pid: number;
  /** When it was written, by this machine's clock: ms since the epoch, rounded down. */
  readonly at: number;
  /** For how long the process had not come to its timers then: it was stopped, or busy. ms */
  readonly stalledMs: number;
}

/** Appends a line, which others see at once; resolves when it is on the disk. */
export type Append = (line: Pick<LedgerLine, "kind" | "step" | "attempt">) => Promise<void>;

const tickMs = 20;

export function openLedger(path: string): Append {
  const file = openSync(path, "a");
  const sync = promisify(fdatasync);
  let next: Promise<void> | null = null;
  let current: Promise<void> = Promise.resolve();
  let tickedAt = performance.now();
  setInterval(() => (tickedAt = performance.now()), tickMs).unref();

  /** One call to the disk serves all that wrote before it began. It must not block the process, whose lease would run out. */
  async function syncNext(): Promise<void> {
    await current;
    current = sync(file);
    next = null;
    await current;
  }

  return (line) => {
    const stalledMs = Math.max(0, Math.round(performance.now() - tickedAt - tickMs));
    writeSync(file, `${JSON.stringify({ ...line, pid: process.pid, at: Date.now(), stalledMs } satisfies LedgerLine)}\n`);
    next ??= syncNext();
    return next;
  };
}

/** Reads a ledger while others append to it. */
export interface LedgerReader {
  /** The lines that were appended since the last call. */
  readNew(): LedgerLine[];
  close(): void;
}

export function createLedgerReader(path: string): LedgerReader {
  closeSync(openSync(path, "a"));
  const file = openSync(path, "r");
  let offset = 0;
  return {
    readNew() {
      const bytes = Buffer.alloc(fstatSync(file).size - offset);
      const read = bytes.subarray(0, readSync(file, bytes, 0, bytes.length, offset));
      // Up to the last whole line: a process may be in the middle of the next one.
      const whole = read.subarray(0, read.lastIndexOf("\n") + 1);
      offset += whole.length;
      return whole
        .toString("utf8")
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line) as LedgerLine);
    },
    close: () => closeSync(file),
  };
}
