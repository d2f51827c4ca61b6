import { rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { createSqliteWorld } from "@perdure/world-sqlite";
import { setWorld } from "perdure/runtime";

import { createScratchFolder } from "../src/worlds/sqlite.ts";
import type { Evidence } from "./evidence.ts";
import { createFleet, type Member } from "./fleet.ts";
import { createLedgerReader } from "./ledger.ts";
import { crashLoad, type PlannedRun } from "./load.ts";
import { createObserver } from "./observer.ts";
import { createResumer } from "./resumer.ts";
import { createRoster } from "./roster.ts";
import { leaseMs, type Round } from "./schedule.ts";

/** Workers on one file, load for them, and someone who watches. */
export interface Scene {
  readonly folder: string;
  readonly kills: number;
  readonly freezes: number;
  /** Runs that other workers took over from one that stood still. */
  readonly takenFromFrozen: number;
  /** Brings workers to work, gives them runs, and lets the fault happen. */
  play(round: Round): Promise<void>;
  /** Lets everything run to its end. Gives up after a while; what is open then counts as lost. */
  finish(): Promise<Evidence>;
  /** Ends all processes. */
  close(): Promise<void>;
  /** Removes the files. */
  remove(): void;
}

const runsPerRound = 40;
const patienceMs = 90_000;

export async function openScene(): Promise<Scene> {
  const folder = createScratchFolder();
  const path = join(folder, "world.db");
  const world = createSqliteWorld({ path });
  await setWorld(world);
  const ledger = createLedgerReader(join(folder, "ledger.jsonl"));
  const observer = createObserver(world, ledger);
  const payloads = sendPayloads();
  const roster = createRoster(crashLoad);
  let [kills, freezes, takenFromFrozen] = [0, 0, 0];

  const fleet = createFleet({
    file: new URL("./worker.ts", import.meta.url),
    settings: { world: path, ledger: join(folder, "ledger.jsonl"), leaseMs, resumeEveryMs: 10 },
    logPath: join(folder, "workers.log"),
    standbys: 1,
    onStarted(key) {
      const run = roster.acknowledge(key);
      if (run?.sender === "parent") payloads.add(run);
    },
  });

  async function kill(victim: Member): Promise<void> {
    await victim.kill();
    kills++;
    await observer.look();
  }

  async function freeze(victim: Member, frozenMs: number): Promise<void> {
    victim.freeze();
    freezes++;
    await observer.look(victim.pid);
    const before = observer.takeovers;
    await pause(frozenMs);
    await observer.look(victim.pid);
    takenFromFrozen += observer.takeovers - before;
    victim.thaw();
  }

  return {
    folder,
    get kills() {
      return kills;
    },
    get freezes() {
      return freezes;
    },
    get takenFromFrozen() {
      return takenFromFrozen;
    },
    async play(round) {
      observer.expect(roster.plan(runsPerRound));
      while (fleet.members.length < round.workers) await fleet.add();
      roster.handOut(fleet.members);
      await pause(round.afterMs);
      const victim = fleet.members[Math.floor(round.victim * fleet.members.length)];
      if (!victim) throw new Error("There is no worker left to hurt.");
      if (round.fault === "kill") await kill(victim);
      else await freeze(victim, round.frozenMs);
    },
    async finish() {
      if (fleet.members.length === 0) await fleet.add();
      roster.handOut(fleet.members.slice(0, 1));
      for (const run of roster.all) if (run.sender !== null) payloads.add(run);
      const deadline = performance.now() + patienceMs;
      do {
        await pause(100);
        await observer.look();
      } while (observer.open > 0 && performance.now() < deadline);
      await Promise.all([...fleet.members].map((member) => member.stop()));
      return observer.conclude(roster.acknowledged);
    },
    async close() {
      await fleet.close();
      await payloads.stop();
      ledger.close();
      await world.close();
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Sends payloads in the background. */
function sendPayloads(): { add(run: PlannedRun): void; stop(): Promise<void> } {
  const resumer = createResumer();
  let stopping = false;
  const sending = (async () => {
    while (!stopping) {
      await pause(25);
      await resumer.tryAll();
    }
  })();
  // Whoever stops it is told.
  sending.catch(() => undefined);
  return {
    add: resumer.add,
    async stop() {
      stopping = true;
      await sending;
    },
  };
}
