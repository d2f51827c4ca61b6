import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { createPostgresWorld } from "@perdure/world-postgres";
import { setWorld } from "perdure/runtime";

import { createFleet, type Fleet, type Member } from "../crash/fleet.ts";
import { createLedgerReader } from "../crash/ledger.ts";
import { createRandom } from "../crash/random.ts";
import { createRoster, type Roster } from "../crash/roster.ts";
import { createScratchFolder } from "../src/worlds/sqlite.ts";
import { collect, createSnapshots, type ChaosEvidence, type Victim } from "./evidence.ts";
import { chaosLoad } from "./models.ts";
import { sendPayloads } from "./payloads.ts";
import type { Fault, FaultKind } from "./schedule.ts";
import { startServer, type ChaosServer } from "./server.ts";

/** Workers on one server, load for them, and what happens to all of them. */
export interface Scene {
  readonly folder: string;
  /** The server's version. */
  readonly version: string;
  /** What was done, by kind; of connections, how many were cut. */
  readonly counts: Readonly<Record<FaultKind | "connections", number>>;
  /** Keeps the workers busy while the faults happen, then lets everything run to its end. Gives up after a while; what is open then counts as lost. */
  play(faults: readonly Fault[], durationMs: number): Promise<ChaosEvidence>;
  /** Ends all processes. */
  close(): Promise<void>;
  /** Removes the files. */
  remove(): void;
}

const workers = 3;
/** So many runs are kept open, children apart. */
const openRuns = 90;
const runsPerSecond = 40;
const patienceMs = 120_000;
/** When a start that nobody has acknowledged is given to another worker. */
const startAgainMs = 5000;
const lookEveryMs = 300;

interface Stage {
  readonly server: ChaosServer;
  readonly fleet: Fleet;
  readonly roster: Roster;
  readonly leaseMs: number;
  readonly frozen: Set<Member>;
  readonly victims: Victim[];
  readonly counts: Record<FaultKind | "connections", number>;
  /** Faults that are under way. */
  readonly underWay: Set<Promise<void>>;
}

export async function openScene(leaseMs: number): Promise<Scene> {
  const folder = createScratchFolder();
  const server = await startServer();
  await server.ask(`
    CREATE TABLE bookings (run text NOT NULL, pieces int NOT NULL);
    CREATE TABLE shelves (id int PRIMARY KEY, booked int8 NOT NULL DEFAULT 0);
    INSERT INTO shelves (id) SELECT generate_series(0, 7)`);
  const world = createPostgresWorld({ url: server.directUrl });
  await setWorld(world);
  await world.setup();
  const ledgerPath = join(folder, "ledger.jsonl");
  const roster = createRoster(chaosLoad);
  const payloads = sendPayloads(server, (key) => roster.find(key));
  const fleet = createFleet({
    file: new URL("./worker.ts", import.meta.url),
    settings: { world: server.url, ledger: ledgerPath, leaseMs, resumeEveryMs: 250 },
    logPath: join(folder, "workers.log"),
    standbys: 2,
    onStarted: (key) => void roster.acknowledge(key),
  });
  const counts = { kill: 0, freeze: 0, restart: 0, terminate: 0, sever: 0, connections: 0 };
  const stage: Stage = { server, fleet, roster, leaseMs, frozen: new Set(), victims: [], counts, underWay: new Set() };
  const snapshots = createSnapshots(server);
  return {
    folder,
    version: server.version,
    counts,
    async play(faults, durationMs) {
      while (fleet.members.length < workers) await fleet.add();
      const startedAt = performance.now();
      const load = keepBusy(
        stage,
        () => performance.now() - startedAt < durationMs,
        () => snapshots.look(),
      );
      for (const fault of faults) {
        await pause(Math.max(0, startedAt + fault.atMs - performance.now()));
        const happening: Promise<void> = inject(stage, fault).finally(() => stage.underWay.delete(happening));
        stage.underWay.add(happening);
        // Thrown when all are awaited; until then nobody listens.
        happening.catch(() => undefined);
      }
      await load;
      await Promise.all(stage.underWay);
      const calmAt = Date.now();
      await settle(stage, () => snapshots.look());
      await payloads.stop();
      await Promise.all([...fleet.members].map((member) => member.stop()));
      const reader = createLedgerReader(ledgerPath);
      const lines = reader.readNew();
      reader.close();
      return collect({ world, server, roster, lines, snapshots, victims: stage.victims, leaseMs, calmAt });
    },
    async close() {
      await Promise.allSettled(stage.underWay);
      await fleet.close();
      await payloads.stop();
      await world.close();
      writeFileSync(join(folder, "postgres.log"), readFileSync(server.logPath));
      await server.close();
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Plans runs whenever some have ended, and gives them to the workers that can be heard. */
async function keepBusy(stage: Stage, goesOn: () => boolean, look: () => Promise<void>): Promise<void> {
  const { roster } = stage;
  let againAt = performance.now() + startAgainMs;
  while (goesOn()) {
    const missing = openRuns - (await countOpen(stage)) - roster.unacknowledged.length;
    const planned = roster.plan(Math.max(0, Math.min(missing, (runsPerSecond * lookEveryMs) / 1000)));
    const isLate = performance.now() > againAt;
    if (isLate) againAt = performance.now() + startAgainMs;
    roster.handOut(awake(stage), isLate ? undefined : planned);
    await look();
    await pause(lookEveryMs);
  }
}

/** Lets everything run to its end, on workers that are left alone. */
async function settle(stage: Stage, look: () => Promise<void>): Promise<void> {
  const { fleet, roster } = stage;
  while (fleet.members.length < workers) await fleet.add();
  const deadline = performance.now() + patienceMs;
  let againAt = 0;
  while (performance.now() < deadline && (roster.unacknowledged.length > 0 || (await countOpen(stage)) > 0)) {
    if (performance.now() > againAt) {
      roster.handOut(fleet.members);
      againAt = performance.now() + startAgainMs;
    }
    await look();
    await pause(lookEveryMs);
  }
}

async function countOpen({ server }: Stage): Promise<number> {
  const [row] = await server.ask<{ open: number }>("SELECT count(*)::int4 AS open FROM perdure.runs WHERE status = 0 AND parent IS NULL");
  return row?.open ?? 0;
}

/** The workers that do not stand still. */
function awake({ fleet, frozen }: Stage): Member[] {
  return fleet.members.filter((member) => !frozen.has(member));
}

async function inject(stage: Stage, fault: Fault): Promise<void> {
  const { server, counts } = stage;
  const chance = createRandom(Math.floor(fault.choice * 2 ** 32));
  if (fault.kind === "restart") await server.crash();
  else if (fault.kind === "terminate") counts.connections += await server.terminate(chance);
  else if (fault.kind === "sever") counts.connections += server.sever(chance);
  else if (!(await hurt(stage, fault))) return;
  counts[fault.kind]++;
}

/** Kills or freezes a worker; false when that might leave nobody at work: on a slow machine it takes long until a process is replaced. */
async function hurt(stage: Stage, { kind, choice }: Fault): Promise<boolean> {
  const { fleet, frozen } = stage;
  if (awake(stage).length < 2) return false;
  const candidates = kind === "freeze" ? awake(stage) : fleet.members;
  const member = candidates[Math.floor(choice * candidates.length)];
  if (!member) return false;
  await (kind === "freeze" ? freeze(stage, member) : kill(stage, member));
  frozen.delete(member);
  return true;
}

/** Kills and replaces. */
async function kill({ server, fleet, victims }: Stage, member: Member): Promise<void> {
  const killed = member.kill();
  const at = Date.now();
  const [, runs] = await Promise.all([killed, runsOf(server, member)]);
  victims.push({ at, until: Number.POSITIVE_INFINITY, runs });
  await fleet.add();
}

async function freeze({ server, victims, frozen, leaseMs }: Stage, member: Member): Promise<void> {
  member.freeze();
  frozen.add(member);
  const at = Date.now();
  const thawing = pause(2 * leaseMs);
  const runs = await runsOf(server, member);
  await thawing;
  victims.push({ at, until: Date.now(), runs });
  // It may have been killed meanwhile, which this does not undo.
  member.thaw();
}

/** The runs that a worker owns, with their fences. */
async function runsOf(server: ChaosServer, { workerId }: Member): Promise<Victim["runs"]> {
  const rows = await server.ask<{ id: string; fence: number }>(
    "SELECT r.id::text, r.fence FROM perdure.runs r JOIN perdure.workers w ON w.id = r.owner WHERE w.name = $1",
    [workerId],
  );
  return new Map(rows.map(({ id, fence }) => [id, fence]));
}
