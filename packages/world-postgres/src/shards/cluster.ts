/**
 * The servers of a World, and the topology that says which of them has what: read at setup, again when a run is met whose slot may have been given away since,
 * and extended when the configuration has a server more.
 */

import { randomUUID } from "node:crypto";
import { isRunId, WorldError } from "@perdure/world";
import type { Locality, NameKind } from "../database/locality.ts";
import type { Transaction } from "../database/database.ts";
import { isUnavailable, type Shard } from "./shard.ts";
import { blockOf, foundTopology, homeOf, isUnsure, shardOfRun, type ShardState, type Topology, withShard, withState } from "./topology.ts";

const READ = "SELECT map FROM @topology WHERE id = 1";
const FOUND = "INSERT INTO @topology (version, map) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING";
const CHANGE = "UPDATE @topology SET version = $1, map = $2 WHERE id = 1 AND version = $1 - 1";
const COPY = `
  INSERT INTO @topology AS t (version, map) VALUES ($1, $2)
  ON CONFLICT (id) DO UPDATE SET version = excluded.version, map = excluded.map WHERE t.version < excluded.version`;
const HAS_RUNS = "SELECT EXISTS (SELECT 1 FROM @runs)";
const OLD_KEYS = "INSERT INTO @keys (key, run_id) SELECT key, id FROM @runs WHERE key IS NOT NULL ON CONFLICT (key) DO NOTHING";
const USED_BLOCKS = "SELECT DISTINCT get_byte(uuid_send(id), 8) & 63 FROM @runs";

/** For how long a block that belonged to nobody is believed to. */
const SURE_MS = 1000;

export interface Cluster {
  readonly shards: readonly Shard[];
  /** @throws WORLD_UNAVAILABLE before `setup` */
  topology(): Topology;
  /** Reads the topology, and makes or extends it as far as that is needed and possible. */
  setup(): Promise<void>;
  /** The name of the server that a run lives on; some name for what is no run's id, and before `setup`. */
  serverOf(runId: string): string;
  /** The server of a run. @throws WORLD_UNAVAILABLE when this process was not told of it */
  shardOf(runId: string): Shard;
  /** The server that says who has a name. @throws WORLD_UNAVAILABLE */
  homeOf(kind: NameKind, name: string): Shard;
  /** Reads the topology again. */
  refresh(): Promise<void>;
  /** Makes sure that where these runs live is known: not by an old topology. */
  know(runIds: Iterable<string>): Promise<void>;
  /** What of the world is on one server. */
  localityOf(name: string): Omit<Locality, "noteOutbox">;
  /** Gives a server the topology, if it has an older one. */
  copyTo(shard: Shard): Promise<void>;
  /** Opens or closes a server for new runs. @throws WORLD_INVALID_ARGUMENT, WORLD_UNAVAILABLE */
  setState(name: string, state: ShardState): Promise<void>;
}

export function createCluster(shards: readonly Shard[], mayChange: boolean): Cluster {
  const byName = new Map(shards.map((shard) => [shard.name, shard]));
  let current: Topology | null = null;
  let reading: Promise<void> | null = null;
  /** Until when blocks are known to be nobody's, by the clock of this process. */
  const sureUntil = new Map<number, number>();

  function topology(): Topology {
    if (current !== null) return current;
    throw new WorldError("WORLD_UNAVAILABLE", "The World on PostgreSQL is not open.", { hint: "Call setup() first." });
  }

  function adopt(found: Topology | null): void {
    if (found === null) return;
    if (current !== null && current.id !== found.id) throw mixed();
    if (current === null || current.version < found.version) current = found;
  }

  function named(name: string): Shard {
    const shard = byName.get(name);
    if (shard !== undefined) return shard;
    throw new WorldError("WORLD_UNAVAILABLE", `The World has a server "${name}" that this process was not told of.`, {
      hint: `Add "${name}" to the \`shards\` of this process.`,
    });
  }

  /** All topologies that can be read now; the newest counts. */
  async function read(): Promise<void> {
    const found = await Promise.allSettled(
      shards.filter(({ isUp }) => isUp).map((shard) => shard.quickly(() => readFrom(shard.database()))),
    );
    for (const result of found) if (result.status === "fulfilled") adopt(result.value);
  }

  async function extend(): Promise<void> {
    for (const { name } of shards) {
      while (topology().shards[name] === undefined) {
        const next = await extended(topology(), named, named(name));
        if (next === null) return; // when a server is there that is missing now
        await change(next);
      }
    }
  }

  /** One new version after another: the first founder decides. */
  async function change(next: Topology): Promise<void> {
    const decider = named(next.founders[0]!);
    await decider.database().run(CHANGE, [next.version, JSON.stringify(next)]);
    adopt(await readFrom(decider.database()));
  }

  async function copyTo(shard: Shard): Promise<void> {
    if (current === null || current.shards[shard.name] === undefined) return;
    const theirs = await readFrom(shard.database());
    adopt(theirs);
    if (theirs === null || theirs.version < current.version) await shard.database().run(COPY, [current.version, JSON.stringify(current)]);
  }

  return {
    shards,
    topology,
    async setup() {
      await read();
      if (current === null) adopt(await found(shards));
      if (mayChange) await extend();
      await Promise.all(shards.filter(({ isUp }) => isUp).map((shard) => copyTo(shard).catch(ifUnavailable)));
    },
    serverOf: (runId) => (current !== null && isRunId(runId) ? shardOfRun(current, runId) : shards[0]!.name),
    shardOf: (runId) => named(shardOfRun(topology(), runId)),
    homeOf: (kind, name) => named(homeOf(topology(), kind, name)),
    refresh: async () => (reading ??= read().finally(() => (reading = null))),
    async know(runIds) {
      const now = performance.now();
      for (const runId of runIds) {
        if (!isUnsure(topology(), runId) || (sureUntil.get(blockOf(runId)) ?? 0) > now) continue;
        await (reading ??= read().finally(() => (reading = null)));
        sureUntil.set(blockOf(runId), now + SURE_MS);
      }
    },
    localityOf: (name) => ({
      isLocal: (runId) => shardOfRun(topology(), runId) === name,
      isHome: (kind, text) => homeOf(topology(), kind, text) === name,
    }),
    copyTo,
    async setState(name, state) {
      if (topology().shards[name] === undefined) throw stranger(topology(), name);
      while (topology().shards[name]!.state !== state) await change(withState(topology(), name, state));
      await Promise.all(shards.filter(({ isUp }) => isUp).map((shard) => copyTo(shard).catch(ifUnavailable)));
    },
  };
}

/** The topology with one server more; null while one of those is missing that must be asked. */
async function extended(topology: Topology, named: (name: string) => Shard, shard: Shard): Promise<Topology | null> {
  const founders = topology.founders.map(named);
  if (![...founders, shard].every(({ isUp }) => isUp)) return null;
  await assertEmpty(shard);
  const used = await Promise.all(founders.map((founder) => founder.database().all(USED_BLOCKS, [])));
  const next = withShard(topology, shard.name, new Set(used.flat().map(([block]) => block as number)));
  if (next === null) throw full(shard.name);
  return next;
}

async function readFrom(transaction: Transaction): Promise<Topology | null> {
  const [row] = await transaction.all(READ, []);
  return row === undefined ? null : (JSON.parse(row[0] as string) as Topology);
}

/** The first topology: of all servers, or, where one of them was a World of its own, of that one. */
async function found(shards: readonly Shard[]): Promise<Topology> {
  const missing = shards.filter(({ isUp }) => !isUp).map(({ name }) => name);
  if (missing.length > 0) {
    throw new WorldError(
      "WORLD_UNAVAILABLE",
      `The first setup() of a World of several servers needs all of them; ${missing.join(", ")} cannot be reached.`,
      {
        hint: "Start them, then call setup() again.",
      },
    );
  }
  const used: Shard[] = [];
  for (const shard of shards) if ((await shard.database().all(HAS_RUNS, []))[0]![0] === true) used.push(shard);
  if (used.length > 1) {
    throw new WorldError("WORLD_INVALID_ARGUMENT", `The servers ${used.map(({ name }) => name).join(" and ")} have runs of two Worlds.`, {
      hint: "Join one server that has runs with others that are empty.",
    });
  }
  const [old] = used;
  const topology = foundTopology(randomUUID(), old === undefined ? shards.map(({ name }) => name) : [old.name]);
  const decider = shards.find(({ name }) => name === topology.founders[0])!.database();
  // Whoever comes second finds the other's.
  return decider.transaction(async (transaction) => {
    await transaction.run(FOUND, [topology.version, JSON.stringify(topology)]);
    if (old !== undefined) await transaction.run(OLD_KEYS, []);
    return (await readFrom(transaction))!;
  }, "repeatable");
}

async function assertEmpty(shard: Shard): Promise<void> {
  if ((await shard.database().all(HAS_RUNS, []))[0]![0] === false) return;
  throw new WorldError("WORLD_INVALID_ARGUMENT", `The server "${shard.name}" cannot join: it has runs of another World.`, {
    hint: "Join an empty server, or another schema.",
  });
}

function stranger({ shards }: Topology, name: string): WorldError {
  return new WorldError("WORLD_INVALID_ARGUMENT", `The World has no server "${name}".`, {
    hint: `It has ${Object.keys(shards).join(", ")}.`,
  });
}

function ifUnavailable(error: unknown): void {
  if (!isUnavailable(error)) throw error;
}

function mixed(): WorldError {
  return new WorldError("WORLD_INVALID_ARGUMENT", "The servers belong to different Worlds.", {
    hint: "Check the addresses in `shards`.",
  });
}

function full(name: string): WorldError {
  return new WorldError(
    "WORLD_INVALID_ARGUMENT",
    `The server "${name}" cannot join: all blocks of slots have owners, or hold runs whose ids were made elsewhere.`,
    {
      hint: "A World has up to 64 servers.",
    },
  );
}
