import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { builtProgram, program } from "./program.ts";

/** With `ROLE=start` it starts a run that works and then waits for a hook, and awaits neither; else it is the entry of `perdure worker`. */
const app = `import { existsSync } from "node:fs";
import { createHook, getStepMetadata } from "perdure";
import { getRun, resumeHook, start } from "perdure/api";
import { getWorld } from "perdure/runtime";
async function work() {
  "use step";
  const { attempt, signal } = getStepMetadata();
  console.log("attempt " + attempt + " in " + process.pid);
  signal.addEventListener("abort", () => console.log("aborted in " + process.pid));
  while (!existsSync("go")) await new Promise((resolve) => setTimeout(resolve, 20));
  return attempt;
}
async function after(attempt: number, answer: string) { "use step"; return attempt + " " + answer; }
export async function flow() {
  "use workflow";
  const attempt = await work();
  return after(attempt, await createHook<string>({ token: "question" }));
}
if (process.env.ROLE === "start") await start(flow, [], { id: "one" });
if (process.env.ROLE === "look") {
  const { owner, status } = (await (await getWorld()).query.run({ key: "one" }))!;
  console.log(status + " owned by " + owner);
}
if (process.env.ROLE === "answer") {
  await resumeHook("question", "yes");
  console.log(await getRun("one").returnValue);
}
`;

const minutes = 60_000;

const client = (ROLE: string) => ({ ROLE, PERDURE_WORKER: "off" });

test("a process that is killed is started again, its runs go on, and SIGTERM gives every run back", { timeout: 4 * minutes }, async () => {
  const { folder, start, command } = await builtProgram(app);
  const workers = command(["worker", "--entry", "app.mjs", "--processes", "2"], { PERDURE_WORKER: "off" });
  await workers.printed(/Process 1 .* is ready/);
  await workers.printed(/Process 2 .* is ready/);
  expect((await start(client("start")).ended()).status).toBe(0);
  const [, number, pid] = await workers.printed(/^\[(\d)\] attempt 1 in (\d+)$/m);
  process.kill(Number(pid), "SIGKILL");
  await workers.printed(`Process ${number} (pid ${pid}) was ended by SIGKILL. It is started again in 1 s.`);
  await workers.printed(new RegExp(`attempt 1 in (?!${pid}$)\\d+$`, "m"));
  await workers.printed(new RegExp(`Process ${number} \\(pid (?!${pid}\\))\\d+\\) is ready`));
  writeFileSync(join(folder, "go"), "");
  let owned: string;
  do owned = (await start(client("look")).ended()).output;
  while (!/^running owned by [\da-f-]{36}\n$/.test(owned));
  process.kill(workers.pid, "SIGTERM");
  expect(await workers.ended()).toMatchObject({ status: 0, output: expect.stringContaining("SIGTERM: waiting up to 25 s") as string });
  expect((await start(client("look")).ended()).output).toBe("running owned by null\n");
  // The other process goes on where they were.
  const again = command(["worker", "--entry", "app.mjs"]);
  expect((await start(client("answer")).ended()).output).toBe("1 yes\n");
  process.kill(again.pid, "SIGINT");
  expect((await again.ended()).status).toBe(0);
  expect(again.output()).not.toContain("[1]");
});

test("an attempt may end within the grace time, and its result counts", { timeout: 4 * minutes }, async () => {
  const { folder, start, command } = await builtProgram(app);
  const workers = command(["worker", "--entry", "app.mjs"]);
  await start(client("start")).ended();
  await workers.printed("attempt 1 in");
  process.kill(workers.pid, "SIGTERM");
  await workers.printed("SIGTERM: waiting");
  writeFileSync(join(folder, "go"), "");
  expect((await workers.ended()).status).toBe(0);
  expect(workers.output()).not.toContain("aborted");
  const again = command(["worker", "--entry", "app.mjs"]);
  await again.printed("is ready");
  let answer: string;
  do answer = (await start(client("answer")).ended()).output;
  while (!answer.startsWith("1 yes"));
  expect(again.output()).not.toContain("attempt");
});

/** An entry with which the worker that it starts itself cannot end: something holds the process. */
const stubborn = `import { startWorker } from "perdure/worker";
process.on("SIGTERM", () => console.log("told"));
void startWorker({ handleSignals: false });
console.log("own worker");
`;

test("what has not ended when the grace time is over is killed, and the exit status says so", { timeout: 2 * minutes }, async () => {
  const workers = (await builtProgram(stubborn)).command(["worker", "--entry", "app.mjs", "--grace", "300ms"]);
  await workers.printed("is ready");
  process.kill(workers.pid, "SIGTERM");
  const { status, output } = await workers.ended();
  expect(status).toBe(1);
  expect(output).toMatch(/told[^]*The grace time is over: what has not ended is killed\.[^]*was ended by SIGKILL/);
});

test("a second signal kills", { timeout: 2 * minutes }, async () => {
  const workers = (await builtProgram(stubborn)).command(["worker", "--entry", "app.mjs", "--grace", "1h"]);
  await workers.printed("is ready");
  process.kill(workers.pid, "SIGTERM");
  await workers.printed("told");
  // At once it would pass for the same press of Ctrl-C.
  const again = setInterval(() => process.kill(workers.pid, "SIGTERM"), 200);
  await workers.printed("Another SIGTERM").finally(() => clearInterval(again));
  const { status, output } = await workers.ended();
  expect(status).toBe(1);
  expect(output).toContain("Another SIGTERM: what has not ended is killed.");
});

test("a worker that the entry starts stays the only one", { timeout: 2 * minutes }, async () => {
  const { start, command } = program(`${app}
import { startWorker } from "perdure/worker";
if (!process.env.ROLE) void startWorker({ observers: [{ observe: ({ type }) => type === "attempt_started" && console.log("observed") }] });
`);
  const workers = command(["worker", "--entry", "app.ts"]);
  await workers.printed("is ready");
  await start(client("start")).ended();
  await workers.printed("attempt 1 in");
  expect(workers.output()).toContain("observed");
});

test("when the parent is killed, its processes end and give their runs back", { timeout: 2 * minutes }, async () => {
  const { start, command } = await builtProgram(`${app}if (!process.env.ROLE) console.log("pid " + process.pid);`);
  const workers = command(["worker", "--entry", "app.mjs"]);
  const [, pid] = await workers.printed(/pid (\d+)$/m);
  await workers.printed("is ready");
  process.kill(workers.pid, "SIGKILL");
  const isThere = () => {
    try {
      return process.kill(Number(pid), 0);
    } catch {
      return false;
    }
  };
  while (isThere()) await new Promise((resolve) => setTimeout(resolve, 10));
  expect((await start(client("start")).ended()).status).toBe(0);
});

test("an entry that cannot be imported ends the command: ENTRY_FAILED", { timeout: 2 * minutes }, async () => {
  const workers = program(`import "./nowhere.ts";`).command(["worker", "--entry", "app.ts", "--processes", "2"]);
  const { status, output } = await workers.ended();
  expect(status).toBe(1);
  expect(output).toMatch(/^\[\d\] .*nowhere\.ts/m);
  expect(output).toContain("ENTRY_FAILED: app.ts could not be imported.");
});

test("a World that is away is tried again", { timeout: 2 * minutes }, async () => {
  const built = await builtProgram(`if (process.env.PERDURE_WORLD) console.log("begun");`);
  const workers = built.command(["worker", "--entry", "app.mjs"], { PERDURE_WORLD: "sqlite:/dev/null/world.db" });
  await workers.printed(/begun[^]*ended with exit code 1\. It is started again in 1 s\.[^]*begun[^]*again in 2 s\./);
  process.kill(workers.pid, "SIGTERM");
  expect((await workers.ended()).status).toBe(0);
});
