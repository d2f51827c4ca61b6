import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { builtProgram } from "./program.ts";

/** Twenty keyed runs of thirty steps each, which write to a ledger outside of Perdure before they return. */
const app = `import { appendFileSync } from "node:fs";
import { getStepMetadata, sleep } from "perdure";
import { start } from "perdure/api";
async function effect(n: number) {
  "use step";
  appendFileSync("ledger.txt", getStepMetadata().stepId + "\\n");
  await new Promise((resolve) => setTimeout(resolve, 2));
  return n;
}
export async function work(run: number) {
  "use workflow";
  let sum = 0;
  for (let i = 0; i < 10; i++) {
    for (const n of await Promise.all([effect(i), effect(run), effect(1)])) sum += n;
    await sleep(5);
  }
  return sum;
}
const runs = await Promise.all(Array.from({ length: 20 }, (_, i) => start(work, [i], { id: "run-" + i })));
console.log("started");
const sums = await Promise.all(runs.map((run) => run.returnValue));
console.log("sums " + sums.join());
`;

test("runs go on after kill -9, each result is right, and only steps under way were run again", { timeout: 120_000 }, async () => {
  const killed = 3;
  const { folder, start } = await builtProgram(app);
  for (let round = 0; round < killed; round++) {
    const running = start();
    await running.printed("started");
    await new Promise((resolve) => setTimeout(resolve, 20 + 40 * round));
    running.kill();
    await running.ended();
  }
  const { status, output } = await start().ended();
  expect(status).toBe(0);
  expect(output).toContain(`sums ${Array.from({ length: 20 }, (_, run) => 45 + 10 * run + 10).join()}`);
  const calls = new Map<string, number>();
  for (const stepId of readFileSync(join(folder, "ledger.txt"), "utf8").trim().split("\n")) calls.set(stepId, (calls.get(stepId) ?? 0) + 1);
  expect(calls.size).toBe(600);
  // A kill can cut off three attempts of a run at most; a step that had a result is not among them.
  const again = [...calls.values()].reduce((sum, count) => sum + count - 1, 0);
  expect(again).toBeLessThanOrEqual(killed * 20 * 3);
});

/** One step of many parts; it reports each, and its process is killed in the middle. */
const long = `import { appendFileSync } from "node:fs";
import { getStepMetadata, heartbeat } from "perdure";
import { start } from "perdure/api";
async function send(parts: number) {
  "use step";
  const from = (getStepMetadata().progress as number | undefined) ?? 0;
  console.log("from " + from);
  for (let part = from; part < parts; part++) {
    appendFileSync("ledger.txt", part + "\\n");
    heartbeat(part + 1);
    if (part === 20 && from === 0) console.log("in the middle");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return getStepMetadata().attempt;
}
export async function work() {
  "use workflow";
  return await send(40);
}
console.log("attempt " + (await (await start(work, [], { id: "long" })).returnValue));
`;

test("a long step goes on after kill -9 from the progress that it reported", { timeout: 120_000 }, async () => {
  const { folder, start } = await builtProgram(long);
  const first = start();
  await first.printed("in the middle");
  first.kill();
  await first.ended();
  const { status, output } = await start().ended();
  expect(status).toBe(0);
  // The reports of the second before the kill may be lost, hardly all of them.
  const from = Number(/^from (\d+)$/m.exec(output)?.[1]);
  expect(from).toBeGreaterThanOrEqual(1);
  expect(from).toBeLessThanOrEqual(21);
  expect(output).toContain("attempt 1");
  const parts = readFileSync(join(folder, "ledger.txt"), "utf8").trim().split("\n").map(Number);
  expect(new Set(parts).size).toBe(40);
  expect(parts.filter((part) => part < from)).toHaveLength(from);
});
