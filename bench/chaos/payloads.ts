import { setTimeout as pause } from "node:timers/promises";

import type { PlannedRun } from "../crash/load.ts";
import { createResumer } from "../crash/resumer.ts";
import type { ChaosServer } from "./server.ts";

const everyMs = 250;
/** Hooks that were to be resumed by a worker, and have waited for so long, are taken care of from here: it may be dead. */
const graceMs = 3000;

/** Sends payloads to the runs that wait on hooks, in the background. @param find the run with a key */
export function sendPayloads(server: ChaosServer, find: (key: string) => PlannedRun | undefined): { stop(): Promise<void> } {
  const firstSeenAt = new Map<string, number>();
  let isOver = false;

  async function sendOnce(): Promise<void> {
    const hooks = await server.ask<{ token: string }>("SELECT token FROM perdure.hooks");
    const resumer = createResumer();
    for (const { token } of hooks) {
      const run = find(token);
      const since = firstSeenAt.get(token) ?? performance.now();
      firstSeenAt.set(token, since);
      if (run && (run.sender === "parent" || performance.now() - since > graceMs)) resumer.add(run);
    }
    await resumer.tryAll();
  }

  const sending = (async () => {
    for (; !isOver; await pause(everyMs)) await sendOnce();
  })();
  // Whoever stops it is told.
  sending.catch(() => undefined);
  return {
    async stop() {
      isOver = true;
      await sending;
    },
  };
}
