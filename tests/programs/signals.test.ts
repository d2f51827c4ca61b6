import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { builtProgram } from "./program.ts";

/** A worker whose attempt of `work` holds, with `HOLD`, until there is a file `go`; it prints who owns what. */
const app = `import { existsSync } from "node:fs";
import { getStepMetadata } from "perdure";
import { getRun, start } from "perdure/api";
import { getWorld } from "perdure/runtime";
import { startWorker } from "perdure/worker";
async function work() {
  "use step";
  const { attempt, signal } = getStepMetadata();
  console.log("attempt " + attempt + " in " + process.env.NAME);
  signal.addEventListener("abort", () => console.log("aborted in " + process.env.NAME));
  while (process.env.HOLD && !existsSync("go")) await new Promise((resolve) => setTimeout(resolve, 20));
  return process.env.NAME;
}
async function after(from: string | undefined) { "use step"; return from + ", then " + process.env.NAME; }
export async function flow() { "use workflow"; return after(await work()); }
async function record() {
  const run = await (await getWorld()).query.run({ key: "one" });
  return run!.owner + " " + run!.fence;
}
if (process.env.OTHERS) process.on("SIGTERM", () => console.log("heard by the application"));
const worker = await startWorker({ leaseMs: 600_000, graceMs: Number(process.env.GRACE ?? 60_000) });
console.log("worker " + worker.id);
const run = process.env.START ? await start(flow, [], { id: "one" }) : getRun("one");
if (process.env.START) console.log("record " + (await record()));
if (process.env.AWAIT) {
  const looking = setInterval(async () => console.log("record " + (await record())), 20);
  console.log("result " + (await run.returnValue));
  clearInterval(looking);
  await worker.stop();
}
`;

const workerIn = (output: string): string => /^worker (\S+)$/m.exec(output)?.[1] ?? "none";

test("SIGTERM lets the attempt end, and another worker goes on from its result", { timeout: 240_000 }, async () => {
  const { folder, start } = await builtProgram(app);
  const first = start({ NAME: "first", START: "1", HOLD: "1" });
  await first.printed("attempt 1 in first");
  const second = start({ NAME: "second", AWAIT: "1" });
  await second.printed("record");
  process.kill(first.pid, "SIGTERM");
  process.kill(first.pid, "SIGTERM");
  // Both workers are there, the first one is stopping, and its run stays its own.
  const before = second.output().length;
  while (
    !second
      .output()
      .slice(before)
      .includes(`record ${workerIn(first.output())} 1`)
  )
    await new Promise((resolve) => setTimeout(resolve, 10));
  writeFileSync(join(folder, "go"), "");
  // Ended by the signal, as without us; a second one changed nothing.
  expect(await first.ended()).toMatchObject({ status: null, signal: "SIGTERM" });
  const { status, output } = await second.ended();
  expect(status).toBe(0);
  expect(output).toContain("result first, then second");
  expect(first.output()).not.toContain("aborted");
  // Owned by the first with its fence until it was given back, then claimed once by the second: the lease would have lasted for ten minutes.
  expect(output).toContain(`record ${workerIn(first.output())} 1`);
  expect(first.output() + output).not.toMatch(/attempt \d in second/);
});

test("an attempt that outlives the grace time is told, and begun anew by another worker at once", { timeout: 240_000 }, async () => {
  const { start } = await builtProgram(app);
  const first = start({ NAME: "first", START: "1", HOLD: "1", GRACE: "100" });
  await first.printed("attempt 1 in first");
  process.kill(first.pid, "SIGTERM");
  expect(await first.ended()).toMatchObject({ status: null, signal: "SIGTERM" });
  expect(first.output()).toContain("aborted in first");
  const second = start({ NAME: "second", AWAIT: "1" });
  const { output } = await second.ended();
  expect(output).toContain("attempt 1 in second");
  expect(output).toContain("result second, then second");
});

test(
  "a process that listens to the signal itself is not ended by us, and its worker stops all the same",
  { timeout: 240_000 },
  async () => {
    const { folder, start } = await builtProgram(app);
    const first = start({ NAME: "first", START: "1", HOLD: "1", OTHERS: "1" });
    await first.printed("attempt 1 in first");
    process.kill(first.pid, "SIGTERM");
    await first.printed("heard by the application");
    writeFileSync(join(folder, "go"), "");
    // Nothing keeps it alive once the worker has stopped: it ends by itself.
    expect((await first.ended()).status).toBe(0);
    const { output: rest } = await start({ NAME: "second", AWAIT: "1" }).ended();
    expect(rest).toContain("result first, then second");
  },
);
