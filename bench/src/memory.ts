import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { variants, type ChildRequest, type ChildResult, type Variant } from "./memory/variants.ts";
import type { Measurement } from "./report.ts";
import { optionOf, type Request } from "./request.ts";
import { timed } from "./windows.ts";
import { sqliteVersion } from "./worlds/sqlite-driver.ts";

const child = fileURLToPath(new URL("./memory/child.ts", import.meta.url));

/** What a run that waits takes of the JavaScript heap, beside an async function that does. Each variant has a process of its own, and is measured once. */
export async function memory(request: Request): Promise<Measurement> {
  const results = new Map<Variant, ChildResult>();
  const { wallMs } = await timed(async () => {
    for (const variant of variants)
      results.set(variant, await inNewProcess({ variant, runs: optionOf(request, "runs"), census: optionOf(request, "census") === 1 }));
  });
  const heap = (variant: Variant): number => Math.round(results.get(variant)?.heapBytes ?? Number.NaN);
  const buffers = [...results.values()].map(({ bufferBytes }) => bufferBytes);
  return {
    figures: {
      bytesPerResidentRun: heap("hook"),
      bytesPerSleepingRun: heap("time"),
      bytesPerRunInStep: heap("step"),
      bytesPerEvictedRun: heap("evictedHook"),
      bytesPerEvictedSleepingRun: heap("evictedTime"),
      bytesPerPlainCall: heap("plain"),
      ratio: heap("hook") / heap("plain"),
      mostBufferBytesPerRun: Math.max(...buffers),
      wallSeconds: wallMs / 1000,
    },
    targets: [
      { figure: "bytesPerResidentRun", op: "<=", bound: 3000 },
      { figure: "bytesPerSleepingRun", op: "<=", bound: 3000 },
      { figure: "bytesPerEvictedRun", op: "<=", bound: 50 },
      { figure: "bytesPerEvictedSleepingRun", op: "<=", bound: 50 },
    ],
    runs: 1,
    database: sqliteVersion(),
  };
}

/** Under the same hooks as this process. */
async function inNewProcess(request: ChildRequest): Promise<ChildResult> {
  const args = [...process.execArgv, "--expose-gc", child, JSON.stringify(request)];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { maxBuffer: 64 * 1024 * 1024 });
  if (stderr !== "") console.error(`${request.variant}:\n${stderr}`);
  return JSON.parse(stdout) as ChildResult;
}
