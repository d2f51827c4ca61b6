import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { World } from "@perdure/world";

import type { Measurement } from "./report.ts";
import { optionOf, type Request } from "./request.ts";
import { median } from "./statistics.ts";
import { targetsOf } from "./targets.ts";
import { judge, type Outcome } from "./w7/judge.ts";
import { countLines, createLedger, readLedger } from "./w7/ledger.ts";
import type { FromProcess, ProcessSettings, ToProcess } from "./w7/messages.ts";
import { alternate, timed } from "./windows.ts";
import { openBenchWorld } from "./worlds/index.ts";
import { createScratchFolder } from "./worlds/sqlite.ts";

const steps = 10;
/** The victim dies when so much of the work has been begun. */
const share = 0.4;
const patienceMs = 60_000;

/** Kills a process in the middle of its runs. Another one goes on with them: one that is started then, or a worker that was there before. */
export async function w7(request: Request): Promise<Measurement> {
  const [runs, windows] = [optionOf(request, "runs"), optionOf(request, "windows")];
  const bench = await openBenchWorld(request.world, { url: request.url });
  const folder = createScratchFolder();
  if (bench.place === null) throw new TypeError(`The World "${request.world}" does not outlive its process.`);
  const stage: Stage = { world: bench.world, place: bench.place, name: request.world, folder, runs, played: 0 };
  try {
    await bench.world.setup();
    const sides = { restart: () => play(stage, "restart"), takeover: () => play(stage, "takeover") };
    const { wallMs, cpuMs, value } = await timed(() => alternate(sides, { warmUps: 0, windows }));
    const all = [...value.restart, ...value.takeover];
    const sum = (pick: (scene: Outcome) => number): number => all.reduce((total, scene) => total + pick(scene), 0);
    return {
      figures: {
        firstResumedMs: median(value.restart.map(({ firstMs }) => firstMs)),
        takeoverMs: median(value.takeover.map(({ firstMs }) => firstMs)),
        allDoneMs: median(value.restart.map(({ allDoneMs }) => allDoneMs)),
        takeoverAllDoneMs: median(value.takeover.map(({ allDoneMs }) => allDoneMs)),
        lost: sum(({ lost }) => lost),
        committedStepsRepeated: sum(({ committedRepeated }) => committedRepeated),
        inFlightStepsRepeated: sum(({ inFlightRepeated }) => inFlightRepeated),
        kills: all.length,
        runsInAll: runs * all.length,
        wallSeconds: wallMs / 1000,
        cpuSeconds: cpuMs / 1000,
      },
      targets: targetsOf(request),
      runs: windows,
      database: bench.database,
    };
  } finally {
    await bench.world.close();
    await bench.remove();
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Stage {
  readonly world: World;
  readonly name: string;
  readonly place: string;
  readonly folder: string;
  /** In each scene. */
  readonly runs: number;
  played: number;
}

async function play(stage: Stage, kind: "restart" | "takeover"): Promise<Outcome> {
  const ledger = join(stage.folder, `ledger-${stage.played++}`);
  createLedger(ledger);
  const settings: ProcessSettings = { world: stage.name, place: stage.place, ledger };
  const heir = kind === "takeover" ? await spawn(settings) : null;
  const victim = await spawn(settings);
  const runIds = await killInTheMiddle(victim, stage.runs, ledger);
  const killedAt = Date.now();
  const next = heir ?? (await spawn(settings));
  await untilAllEnded(stage.world, runIds, killedAt + patienceMs);
  next.send({ kind: "stop" } satisfies ToProcess);
  await once(next, "exit");
  // The World's clock may be another machine's.
  const aheadMs = (await stage.world.now()) - Date.now();
  return judge(stage.world, runIds, readLedger(ledger), { killedAt, aheadMs, victim: victim.pid ?? 0, steps });
}

const file = fileURLToPath(new URL("./w7/process.ts", import.meta.url));

/** Resolves when the process's worker works. */
async function spawn(settings: ProcessSettings): Promise<ChildProcess> {
  // Standard output too goes where errors go: it belongs to the result.
  const child = fork(file, [JSON.stringify(settings)], { stdio: ["ignore", 2, 2, "ipc"] });
  await told(child, "ready");
  return child;
}

/** @throws when the process ends before it says so */
async function told<K extends FromProcess["kind"]>(child: ChildProcess, kind: K): Promise<Extract<FromProcess, { kind: K }>> {
  const stop = new AbortController();
  child.once("exit", () => stop.abort(new Error("A process ended before its time.")));
  for (;;) {
    const [message] = (await once(child, "message", { signal: stop.signal })) as [FromProcess];
    if (message.kind === kind) return message as Extract<FromProcess, { kind: K }>;
  }
}

/** Returns the runs whose start was acknowledged: all of them. */
async function killInTheMiddle(victim: ChildProcess, runs: number, ledger: string): Promise<readonly string[]> {
  const acknowledged = told(victim, "started");
  victim.send({ kind: "start", runs, steps } satisfies ToProcess);
  const { runIds } = await acknowledged;
  while (countLines(ledger) < runs * steps * share) await pause(3);
  victim.kill("SIGKILL");
  await once(victim, "exit");
  return runIds;
}

async function untilAllEnded(world: World, runIds: readonly string[], deadline: number): Promise<void> {
  let open = runIds;
  while (open.length > 0 && Date.now() < deadline) {
    await pause(100);
    const records = await world.query.runsById(open);
    open = records.filter(({ status }) => status === "running").map(({ id }) => id);
  }
}
