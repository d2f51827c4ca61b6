import { expect, test } from "vitest";
import { program } from "./program.ts";

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

test("one process submits runs and another one executes them", { timeout: 60_000 }, async () => {
  const { start } = program(app);
  const worker = start({ ROLE: "worker" });
  while (!worker.output().includes("ready")) await new Promise((resolve) => setTimeout(resolve, 10));
  const client = start({ PERDURE_WORKER: "off" });
  expect(await client.ended()).toEqual({ status: 0, output: "2 yes 1 true completed\n" });
  process.kill(worker.pid, "SIGTERM");
  expect(await worker.ended()).toEqual({ status: 0, output: "ready\nstopped\n" });
});
