// A process that creates ten runs under one key at a given time, each in a call of its own, and tells what it was answered.

import { createSqliteWorld } from "@perdure/world-sqlite";
import { newRun } from "../new-run.ts";

const [path, ifKeyExists, from, at] = process.argv.slice(2) as [string, "return" | "replace", string, string];
const world = createSqliteWorld({ path });
await world.setup();
while (Date.now() < Number(at));
const calls = Array.from({ length: 10 }, (_, n) => world.createRuns([newRun(Number(from) + n, { key: "k", ifKeyExists })]));
const results = (await Promise.all(calls)).flat();
await world.close();
process.send!(
  results.map(({ created, replaced }) => ({ created, replaced })),
  () => process.exit(0),
);
