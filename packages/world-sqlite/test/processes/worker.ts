// A process that claims runs, gives each its steps one commit at a time, and ends when all runs are over.

import { createSqliteWorld } from "@perdure/world-sqlite";

const [path, worker, runs, steps] = process.argv.slice(2) as [string, string, string, string];
const world = createSqliteWorld({ path });
await world.setup();

async function finish(runId: string, fence: number): Promise<void> {
  const { rows } = await world.load(runId);
  for (let base = rows.length; base < Number(steps); base++) {
    const patch = base === Number(steps) - 1 ? { patch: { status: "completed" as const } } : {};
    const row = new TextEncoder().encode(`${worker} ${base}`);
    const [result] = await world.commit([{ runId, fence, worker, base, rows: [row], ...patch }]);
    if (result!.status !== "committed") throw new Error(`${worker} lost run ${runId}: ${result!.status}`);
  }
}

for (;;) {
  const claimed = await world.claim({ worker, limit: 5, leaseMs: 600_000 });
  await Promise.all(claimed.runs.map(({ run }) => finish(run.id, run.fence)));
  if (claimed.runs.length > 0) continue;
  const { runs: over } = await world.query.runs({ status: "completed", limit: 1000 });
  if (over.length === Number(runs)) break;
  await new Promise((resolve) => setTimeout(resolve, 5));
}
await world.close();
process.exit(0);
