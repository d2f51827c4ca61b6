// A process that sets up a file at a given time, and creates a run in it.

import { createSqliteWorld } from "@perdure/world-sqlite";
import { newRun } from "../new-run.ts";

const [path, n, at] = process.argv.slice(2) as [string, string, string];
while (Date.now() < Number(at));
const world = createSqliteWorld({ path });
await world.setup();
await world.createRuns([newRun(Number(n))]);
await world.close();
process.exit(0);
