import { randomInt } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import type { Measurement } from "../src/report.ts";
import { optionOf, type Request } from "../src/request.ts";
import { percentile } from "../src/statistics.ts";
import { openScene, type Scene } from "./scene.ts";
import { planFaults } from "./schedule.ts";
import { judgeChaos, type ChaosVerdict } from "./verdict.ts";

const mustBeZero = [
  "lost",
  "historiesInvalid",
  "committedStepsRepeated",
  "transactionsAppliedTwice",
  "transactionsLost",
  "effectsBeforeHistory",
  "publishedInvalid",
];

/** Workers are killed and frozen, the server crashes, connections are cut: all at random moments, under load. Then looks whether anything is missing, wrong or done twice. */
export async function chaos(request: Request): Promise<Measurement> {
  const start = performance.now();
  const durationMs = optionOf(request, "minutes") * 60_000;
  const leaseMs = optionOf(request, "lease");
  const seed = request.options["seed"] ?? randomInt(2 ** 31);
  console.error(`chaos: ${durationMs / 60_000} minutes, leases of ${leaseMs} ms, --seed ${seed}`);
  const scene = await openScene(leaseMs);
  const verdict = await play(scene, durationMs, seed);
  explain(verdict, scene);
  const { problems: _, takeoverMs, ...counted } = verdict;
  const { kill: kills, freeze: freezes, restart: restarts, terminate, sever, connections } = scene.counts;
  const times = takeoverMs.length > 0 && { takeoverMsP50: percentile(takeoverMs, 0.5), takeoverMsP99: percentile(takeoverMs, 0.99) };
  const tried = { kills, freezes, restarts, cuts: terminate + sever, connectionsCut: connections };
  return {
    figures: { ...counted, ...times, ...tried, leaseMs, seed, wallSeconds: (performance.now() - start) / 1000 },
    targets: mustBeZero.map((figure) => ({ figure, op: "<=", bound: 0 })),
    runs: 1,
    database: scene.version,
  };
}

async function play(scene: Scene, durationMs: number, seed: number): Promise<ChaosVerdict> {
  try {
    return await judgeChaos(await scene.play(planFaults(durationMs, seed), durationMs));
  } catch (error) {
    // First, because what is closed in the middle of something has errors of its own.
    console.error(error);
    throw error;
  } finally {
    await scene.close();
  }
}

/** Keeps the files when there is something to look into. */
function explain({ problems }: ChaosVerdict, scene: Scene): void {
  if (problems.length === 0) return scene.remove();
  writeFileSync(join(scene.folder, "problems.txt"), problems.join("\n"));
  console.error(`${problems.length} problems; the ledger, the histories and the logs of workers and server are in ${scene.folder}.`);
  for (const problem of problems.slice(0, 20)) console.error(`  ${problem}`);
}
