import { randomInt } from "node:crypto";

import type { Measurement } from "../src/report.ts";
import { optionOf, type Request } from "../src/request.ts";
import { sqliteVersion } from "../src/worlds/sqlite-driver.ts";
import { openScene, type Scene } from "./scene.ts";
import { planRounds } from "./schedule.ts";
import { judge, type Verdict } from "./verdict.ts";

const mustBeZero = ["lost", "historiesInvalid", "committedStepsRepeated", "effectsBeforeHistory"];

/** Kills and freezes workers at random moments while they run all kinds of workflows, then looks whether anything is missing, wrong or done twice. */
export async function crash(request: Request): Promise<Measurement> {
  const start = performance.now();
  const rounds = optionOf(request, "rounds");
  const seed = request.options["seed"] ?? randomInt(2 ** 31);
  console.error(`crash: ${rounds} rounds, --seed ${seed}`);
  const scene = await openScene();
  const verdict = await play(scene, rounds, seed);
  explain(verdict, scene);
  const { problems: _, ...counts } = verdict;
  const { kills, freezes, takenFromFrozen } = scene;
  return {
    figures: { ...counts, kills, freezes, takenFromFrozen, seed, wallSeconds: (performance.now() - start) / 1000 },
    targets: mustBeZero.map((figure) => ({ figure, op: "<=", bound: 0 })),
    runs: rounds,
    database: `${sqliteVersion()}, WAL, synchronous=FULL`,
  };
}

async function play(scene: Scene, rounds: number, seed: number): Promise<Verdict> {
  try {
    for (const round of planRounds(rounds, seed)) await scene.play(round);
    return await judge(await scene.finish());
  } catch (error) {
    // First, because what is closed in the middle of something has errors of its own.
    console.error(error);
    throw error;
  } finally {
    await scene.close();
  }
}

/** Keeps the files when there is something to look into. */
function explain({ problems }: Verdict, scene: Scene): void {
  if (problems.length === 0) return scene.remove();
  console.error(`${problems.length} problems; the World, the ledger and the workers' log are in ${scene.folder}.`);
  for (const problem of problems.slice(0, 20)) console.error(`  ${problem}`);
}
