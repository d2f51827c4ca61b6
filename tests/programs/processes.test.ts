import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { builtProgram } from "./program.ts";

/** One program for both roles: with `ROLE=worker` it executes runs until it is told to stop, else it submits one and awaits it. */
const app = `import { createHook, getStepMetadata } from "perdure";
import { getRun, resumeHook, start } from "perdure/api";
import { startWorker } from "perdure/worker";
async function work(n: number) { "use step"; return { n: n + 1, pid: process.pid, attempt: getStepMetadata().attempt }; }
export async function flow(n: number) {
  "use workflow";
  const first = await work(n);
  const answer = await createHook<string>({ token: "question" });
  return { ...first, answer };
}
if (process.env.ROLE === "worker") {
  const worker = await startWorker();
  console.log("ready");
  process.once("SIGTERM", () => void worker.stop().then(() => console.log("stopped")));
} else {
  const run = await start(flow, [1], { id: "asked" });
  for (;;) {
    const sent = await resumeHook("question", "yes").then(() => true, () => false);
    if (sent) break;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const result: any = await run.returnValue;
  console.log(result.n, result.answer, result.attempt, result.pid !== process.pid, await getRun("asked").status);
}
`;

test("one process submits runs and another one executes them", async () => {
  const { start } = await builtProgram(app);
  const worker = start({ ROLE: "worker" });
  await worker.printed("ready");
  const client = start({ PERDURE_WORKER: "off" });
  expect(await client.ended()).toEqual({ status: 0, output: "2 yes 1 true completed\n" });
  process.kill(worker.pid, "SIGTERM");
  expect(await worker.ended()).toEqual({ status: 0, output: "ready\nstopped\n" });
});

/** Fifty callers at once, with one id and different arguments; both processes begin when the file `go` is there. */
const callers = `import { existsSync } from "node:fs";
import { start } from "perdure/api";
import { getWorld } from "perdure/runtime";
async function work(by: string) { "use step"; return by; }
export async function flow(by: string) { "use workflow"; return await work(by); }
const world = await getWorld();
console.log("ready");
while (!existsSync("go")) await new Promise((resolve) => setTimeout(resolve, 1));
const runs = await Promise.all(Array.from({ length: 50 }, (_, index) => start(flow, [process.pid + "/" + index], { id: "same" })));
const values = new Set(await Promise.all(runs.map((run) => run.returnValue)));
const stored = await world.query.runs();
const { rows } = await world.load(stored.runs[0]!.id);
console.log([new Set(runs.map(({ runId }) => runId)).size, stored.runs.length, rows.length, ...values].join(" "));
`;

test("fifty callers with one id in each of two processes make one run, and all their handles agree", async () => {
  const { start, folder } = await builtProgram(callers);
  const both = [start(), start()];
  await Promise.all(both.map((one) => one.printed("ready")));
  writeFileSync(join(folder, "go"), "");
  const [first, second] = await Promise.all(both.map((one) => one.ended()));
  expect(first).toEqual({ status: 0, output: expect.stringMatching(/^ready\n1 1 2 \d+\/\d+\n$/) });
  expect(second).toEqual(first);
});
