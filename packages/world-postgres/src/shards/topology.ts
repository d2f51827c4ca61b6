/**
 * Which server has what. A topology is a value that all servers store; it changes by whole new versions, and no change moves anything.
 *
 * The slots of run ids come in 64 blocks of 64. A server gets a block when it joins, and new runs on it have ids with slots of that block. Ids that nobody of us made may
 * have any slot: blocks without an owner belong to the servers that were there first, by rendezvous hashing, and are given to nobody once they hold runs.
 *
 * Names (keys and chosen tokens) are unique because each has one home: 4,096 buckets, dealt out by rendezvous hashing among the servers that were there
 * first, for ever. A token that a run has generated says its slot, and its home is the run's server.
 */

import { createHash } from "node:crypto";
import { SLOTS, slotOf, slotOfToken } from "@perdure/world";
import type { NameKind } from "../database/locality.ts";

export interface Topology {
  /** The same for all versions; differs for two Worlds. */
  readonly id: string;
  readonly version: number;
  readonly shards: Readonly<Record<string, { readonly state: ShardState }>>;
  /** The servers that were there first, sorted. The first one decides about changes: a new version counts when that server has it. */
  readonly founders: readonly string[];
  /** The server of each block of slots, or null. */
  readonly blocks: readonly (string | null)[];
  /** For each bucket of names, the index of its home in `founders`. */
  readonly homes: readonly number[];
}

/** A closed server keeps its runs and gets no new ones, but for those whose key or parent is there. */
export type ShardState = "open" | "closed";

const BLOCK_BITS = 6;
const BLOCKS = SLOTS >> BLOCK_BITS;

/** The first version, with these servers. */
export function foundTopology(id: string, names: readonly string[]): Topology {
  const founders = names.toSorted();
  return {
    id,
    version: 1,
    shards: Object.fromEntries(founders.map((name) => [name, { state: "open" }])),
    founders,
    blocks: Array.from({ length: BLOCKS }, (_, block) => founders[block] ?? null),
    homes: Array.from({ length: SLOTS }, (_, bucket) => founders.indexOf(preferred(founders, `name ${bucket}`))),
  };
}

/** The next version, with one more server; null when there is no block left. @param used blocks that hold runs */
export function withShard(topology: Topology, name: string, used: ReadonlySet<number>): Topology | null {
  const block = topology.blocks.findIndex((owner, index) => owner === null && !used.has(index));
  if (block < 0) return null;
  return {
    ...topology,
    version: topology.version + 1,
    shards: { ...topology.shards, [name]: { state: "open" } },
    blocks: topology.blocks.with(block, name),
  };
}

/** The next version, with a server opened or closed for new runs. */
export function withState(topology: Topology, name: string, state: ShardState): Topology {
  return { ...topology, version: topology.version + 1, shards: { ...topology.shards, [name]: { state } } };
}

/** The block of a run's slot. */
export function blockOf(runId: string): number {
  return slotOf(runId) >> BLOCK_BITS;
}

/** The server where a run lives. */
export function shardOfRun(topology: Topology, runId: string): string {
  return shardOfBlock(topology, blockOf(runId));
}

function shardOfBlock({ blocks, founders }: Topology, block: number): string {
  return blocks[block] ?? preferred(founders, `block ${block}`);
}

/** Whether somebody may have been given the block of a run since this version. */
export function isUnsure({ blocks }: Topology, runId: string): boolean {
  return blocks[blockOf(runId)] === null;
}

/** The server that says who has a name. */
export function homeOf(topology: Topology, kind: NameKind, name: string): string {
  const slot = kind === "token" ? slotOfToken(name) : null;
  const owner = slot === null ? null : topology.blocks[slot >> BLOCK_BITS];
  if (owner != null) return owner;
  const bucket = createHash("sha256").update(name).digest().readUInt16BE() & (SLOTS - 1);
  return topology.founders[topology.homes[bucket]!]!;
}

/** A slot for a new run on a server. */
export function anySlot({ blocks }: Topology, shard: string): number {
  const own = blocks.flatMap((owner, block) => (owner === shard ? block : []));
  const block = own[Math.floor(Math.random() * own.length)]!;
  return (block << BLOCK_BITS) | Math.floor(Math.random() * (1 << BLOCK_BITS));
}

/** The name that a thing likes best: rendezvous hashing (Thaler and Ravishankar, 1998). */
function preferred(names: readonly string[], thing: string): string {
  return inOrderOfPreference(names, thing)[0]!;
}

/** All names, the best-liked first. */
export function inOrderOfPreference(names: readonly string[], thing: string): readonly string[] {
  const scores = new Map(names.map((name) => [name, createHash("sha256").update(`${thing}\n${name}`).digest().readUIntBE(0, 6)]));
  return names.toSorted((a, b) => scores.get(b)! - scores.get(a)!);
}
