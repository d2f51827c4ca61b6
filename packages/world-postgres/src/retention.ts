/** Removes finished runs as they grow old, and code that no run needs: in small batches with pauses, so that nobody feels it, and by whichever process comes first. */

import { WorldError } from "@perdure/world";
import type { Database } from "./database/database.ts";
import { failureKind } from "./database/failure.ts";
import { sweepCode } from "./operations/code.ts";
import { prune } from "./operations/prune.ts";
import { warnOf } from "./warning.ts";

/** How long runs are kept after their end, in milliseconds; for ever where nothing is said. */
export type Retention = Readonly<Partial<Record<"completed" | "failed" | "cancelled", number>>>;

const BATCH = 200;
const PAUSE_MS = 50;
/** Between looks when nothing was found; a run that has to go goes some minutes late. */
const IDLE_MS = 60_000;

/** Between looks for code that nobody needs. It has not been needed for a day when it goes. */
const SWEEP_MS = 3_600_000;

export interface RetentionLoop {
  /** Begins, if there is anything to do and it has not begun. */
  begin(): void;
  /** Resolves when nothing is under way. */
  close(): Promise<void>;
}

/** @throws WORLD_INVALID_ARGUMENT for a status that no run ends with, and for a time that is none */
export function createRetention(retention: Retention, database: Database): RetentionLoop {
  const rules = Object.entries(retention).filter(([, ms]) => ms !== undefined) as ["completed" | "failed" | "cancelled", number][];
  for (const [status, ms] of rules) {
    if (["completed", "failed", "cancelled"].includes(status) && Number.isSafeInteger(ms) && ms >= 0) continue;
    throw new WorldError("WORLD_INVALID_ARGUMENT", `retentionMs has ${status}: ${String(ms)}.`, {
      hint: "Give whole milliseconds for `completed`, `failed` and `cancelled`.",
    });
  }
  let timer: NodeJS.Timeout | null = null;
  let working: Promise<void> | null = null;
  let isClosed = false;
  let sweptAt = -Infinity;

  function schedule(ms: number): void {
    if (isClosed) return;
    timer = setTimeout(() => (working = look()), ms * (0.5 + Math.random()));
    timer.unref();
  }

  async function look(): Promise<void> {
    let found = 0;
    try {
      for (const [status, ms] of rules) if (!isClosed) found += await prune(database.direct, status, ms, BATCH);
      if (!isClosed && found < BATCH && performance.now() - sweptAt >= SWEEP_MS) {
        await sweepCode(database.direct);
        sweptAt = performance.now();
      }
    } catch (error) {
      // A server that is away for a while is others' to tell.
      if (!isClosed && failureKind(error) === "refused") warnOf("RETENTION_FAILED", `Removing runs failed (${String(error)}).`);
    }
    schedule(found >= BATCH ? PAUSE_MS : IDLE_MS);
  }

  return {
    begin() {
      if (rules.length > 0 && timer === null && !isClosed) schedule(PAUSE_MS);
    },
    async close() {
      isClosed = true;
      if (timer !== null) clearTimeout(timer);
      await working;
    },
  };
}
