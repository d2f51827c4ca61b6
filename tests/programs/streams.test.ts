import { expect, test } from "vitest";
import { builtProgram } from "./program.ts";

/** Workers make the steps; readers only read, and say in files how far they have come, which the step waits for. */
const app = `import { existsSync, writeFileSync } from "node:fs";
import { getStepMetadata, getWritable } from "perdure";
import { getRun, start } from "perdure/api";
import { startWorker } from "perdure/worker";
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const file = async (name: string) => { while (!existsSync(name)) await pause(5); };
async function tokens() {
  "use step";
  const writer = getWritable<string>().getWriter();
  await writer.write("pid " + process.pid);
  await file("seen");
  for (let n = 0; n < 100; n++) await writer.write("token " + n);
  await writer.close();
  return getStepMetadata().attempt;
}
export async function talk() {
  "use workflow";
  const log = getWritable<string>({ namespace: "log" }).getWriter();
  await log.write("asked");
  const attempt = await tokens();
  await log.write("answered");
  return attempt;
}
const role = process.env.ROLE;
if (role === "worker") {
  await startWorker();
  console.log("ready");
} else if (role === "resume") {
  const stream = getRun("talk").getReadable<string>({ startIndex: Number(process.env.FROM) });
  let count = 0;
  for await (const chunk of stream) { count++; if (count === 1) console.log(chunk); }
  console.log(count, stream.nextIndex, await stream.getTailIndex());
} else {
  const run = await start(talk, [], { id: "talk" });
  const reader = run.readable.getReader();
  const chunks: string[] = [];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(String(value));
    if (chunks.length === Number(process.env.WAIT_FOR)) writeFileSync("seen", "");
    if (chunks.length <= Number(process.env.WAIT_FOR)) console.log(chunks.at(-1));
  }
  const log: unknown[] = [];
  for await (const line of run.getReadable({ namespace: "log" })) log.push(line);
  console.log(chunks.length, chunks.at(-1), log.join(","), await run.returnValue);
}
`;

test("one process reads what a step of another one writes, while it writes, and a third goes on from an index", async () => {
  const { start } = await builtProgram(app);
  const worker = start({ ROLE: "worker" });
  await worker.printed("ready");
  const reader = await start({ PERDURE_WORKER: "off", WAIT_FOR: "1" }).ended();
  // The step goes on only when the reader has seen its first chunk.
  expect(reader).toEqual({ status: 0, output: `pid ${worker.pid}\n101 token 99 asked,answered 1\n` });
  const resumed = await start({ ROLE: "resume", PERDURE_WORKER: "off", FROM: "41" }).ended();
  expect(resumed).toEqual({ status: 0, output: "token 40\n60 101 100\n" });
});

test("a reader stays with its stream when the worker is killed, and sees what the next one writes", async () => {
  const { start } = await builtProgram(app);
  const first = start({ ROLE: "worker" });
  await first.printed("ready");
  const reader = start({ PERDURE_WORKER: "off", WAIT_FOR: "2" });
  await reader.printed(`pid ${first.pid}`);
  process.kill(first.pid, "SIGKILL");
  const second = start({ ROLE: "worker" });
  // What workflow code wrote is there once; the interrupted attempt has written its first chunk twice.
  expect(await reader.ended()).toEqual({
    status: 0,
    output: `pid ${first.pid}\npid ${second.pid}\n102 token 99 asked,answered 1\n`,
  });
});
