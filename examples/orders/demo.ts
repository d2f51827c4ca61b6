/**
 * Twenty orders, one `kill -9` in the middle, and the proof that nothing was lost and nothing happened twice.
 *
 * The demo plays the outside world: customers, who order over HTTP and ask again when nobody answers; a human, who approves; and somebody
 * who kills the server. What it knows it has from HTTP, from the ledgers on disk, and from the World, which it reads beside the server.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import colors from "picocolors";
import { getWorld } from "perdure/runtime";

import { createCustomers, type Customer } from "./demo/customers.ts";
import { readHistories, type RunHistory } from "./demo/history.ts";
import { readLedgers } from "./demo/ledgers.ts";
import { readOptions } from "./demo/options.ts";
import { cutOffAttempts, judge, type Verdict } from "./demo/proof.ts";
import { createRandom } from "./demo/random.ts";
import { openScene, type Scene } from "./demo/scene.ts";
import { isDead, startServer, type ServerProcess } from "./demo/server-process.ts";

const { seed, keep } = readOptions(process.argv.slice(2));
const random = createRandom(seed);
const customers = createCustomers(random, 2400);
const killAfterMs = Math.round(1800 + random() * 1800);

const leastSteps = 10;

const folder = mkdtempSync(join(tmpdir(), "perdure-demo-"));
const ledgerFolder = join(folder, "ledgers");
// Read by Perdure in this process, which only looks, and in the server.
process.env.PERDURE_WORLD = `sqlite:${join(folder, "world.db")}`;
const serverEnv = { ORDERS_LEDGERS: ledgerFolder, PAYMENT_FAILURE_RATE: "0.5" };

for (const [signal, exitCode] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const) {
  process.once(signal, () => {
    removeFolder();
    process.exit(exitCode); // ends the server too: see server-process.ts
  });
}

try {
  process.exitCode = (await play()) ? 0 : 1;
} catch (error) {
  console.error(colors.red(`\nThe demo failed: ${(error as Error).message}`));
  process.exitCode = 1;
}
if (process.exitCode === 0) removeFolder();
else
  console.error(
    `The World and the ledgers are in ${folder}; npm run demo -- --seed ${seed} sends the same orders and kills at the same moment.`,
  );
process.exit(); // a demo that failed half-way still has customers who wait

/** True when everything that the demo claims has been proved. */
async function play(): Promise<boolean> {
  console.log(`${colors.bold("Perdure: twenty orders and one kill -9")} (seed ${seed})`);
  if (keep) console.log(`The World and the ledgers are in ${folder}.`);
  const first = await startServer(serverEnv);
  const openedAt = Date.now();
  const scene = openScene(first, customers, ledgerFolder);
  announce(scene, `process ${first.pid} fulfils orders`);

  await Promise.race([theRightMoment(), scene.ended]);
  const before = await killServer(scene, first, openedAt);
  await Promise.race([delay(2500), scene.ended]); // time to look at the wreck

  scene.headline = "a new process starts on the same files";
  const second = await startServer(serverEnv);
  scene.server = second;
  announce(scene, `process ${second.pid} goes on, once the dead one's lease has run out (2 s)`);
  await scene.ended;
  scene.screen.end();

  const ends = new Map(await Promise.all(customers.map(async ({ order: { id } }) => [id, await scene.client.find(id)] as const)));
  const exitCode = await second.stop();
  const after = await readHistories();
  await (await getWorld()).close();
  const verdict = judge({ customers, ledgers: readLedgers(ledgerFolder), before, after, ends, killedPid: first.pid });
  if (exitCode !== 0) console.error(colors.red(`The server ended with exit code ${exitCode} when it was asked to stop.`));
  return report(verdict, customers) && exitCode === 0;
}

/** When the seed says, but not before something has happened: a busy machine may be slow. */
async function theRightMoment(): Promise<void> {
  await delay(killAfterMs);
  while (readLedgers(ledgerFolder).attempts.filter(({ event }) => event === "finished").length < leastSteps) await delay(50);
}

/** Kills the server and tells, from the World and the log of attempts, in the middle of what. */
async function killServer(scene: Scene, server: ServerProcess, openedAt: number): Promise<Map<string, RunHistory>> {
  const afterSeconds = ((Date.now() - openedAt) / 1000).toFixed(2);
  await server.kill();
  scene.server = null;
  if (!(await isDead(server))) throw new Error(`Process ${server.pid} is still alive after SIGKILL.`);
  const before = await readHistories();
  const cutOff = [...cutOffAttempts(readLedgers(ledgerFolder).attempts, server.pid, before).values()];
  const runs = [...before.values()];
  const open = runs.filter((run) => run.status === "running");
  for (const { runId, status, note, results } of runs) {
    const id = runId.slice("order-".length);
    scene.listed.set(id, { id, status, note }); // the shop may have died before it could say so
    if (status !== "running") continue;
    scene.interruptions.set(id, { kept: results.size, cutOff: cutOff.filter((entry) => entry.runId === runId).length });
  }
  const steps = runs.reduce((sum, run) => sum + run.results.size, 0);
  announce(scene, `kill -9 ${server.pid} after ${afterSeconds} s: it is dead, and ${count(steps, "step")} committed`);
  scene.screen.say(`  No process ${server.pid}, no answer from ${server.url}.`);
  const kept = open.reduce((sum, run) => sum + run.results.size, 0);
  scene.screen.say(
    `  ${runs.length - open.length} orders completed, ${open.length} in flight, ${customers.length - runs.length} not received yet.`,
  );
  scene.screen.say(`  In flight: ${count(kept, "step")} kept, ${count(cutOff.length, "attempt")} cut off, to be run again.`);
  return before;
}

function announce(scene: Scene, text: string): void {
  scene.headline = text;
  scene.screen.say(text);
}

function removeFolder(): void {
  if (!keep) rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
}

/** Prints what was proved, or what was not. */
function report(verdict: Verdict, everyone: readonly Customer[]): boolean {
  const { findings, completed, lost, chargedTwice, kept, again } = verdict;
  console.log("\nFrom the ledgers, the history and the answers of the shop:");
  for (const { claim, problems } of findings) {
    console.log(problems.length === 0 ? `  ${colors.green("✔")} ${claim}` : colors.red(`  ✘ not so: ${claim}`));
    for (const problem of problems) console.log(colors.red(`      ${problem}`));
  }
  const repeats = everyone.filter(({ sent }) => sent > 1).length;
  console.log();
  if (repeats > 0) console.log(`${count(repeats, "order")} not answered at first and went out again`);
  console.log(`${count(kept, "step")} taken from history and not run again, ${count(again, "interrupted attempt")} run again`);
  console.log(colors.bold(`${completed} orders completed, ${lost} lost, ${chargedTwice} charged twice`));
  return findings.every(({ problems }) => problems.length === 0) && completed === everyone.length;
}

/** `1 step was`, `2 steps were`. */
function count(number: number, noun: string): string {
  return number === 1 ? `1 ${noun} was` : `${number} ${noun}s were`;
}
