import type { HistoryRow, RunRecord, World } from "@perdure/world";
import { getRun } from "perdure/api";

import type { RunEvidence } from "../crash/evidence.ts";
import type { LedgerLine } from "../crash/ledger.ts";
import type { PlannedRun } from "../crash/load.ts";
import type { Roster } from "../crash/roster.ts";
import { childrenOf } from "./models.ts";
import type { ChaosServer } from "./server.ts";
import type { Word } from "./workflows.ts";

/** A row of history, with when it was committed: ms since the epoch by this machine's clock, which is the database's too. */
export interface CommittedRow extends HistoryRow {
  readonly fence: number;
  readonly committedAt: number;
}

/** A worker that was killed, or stood still until `until`. */
export interface Victim {
  readonly at: number;
  readonly until: number;
  /** Its runs then, with their fences. */
  readonly runs: ReadonlyMap<string, number>;
}

export interface ChaosRun extends RunEvidence {
  readonly rows: readonly CommittedRow[];
  /** What others can read of it: chunks and published values; null for workflows that have none. */
  readonly published: Published | null;
}

export interface Published {
  readonly log: readonly unknown[];
  readonly speech: readonly Word[];
  readonly progress: unknown;
}

/** A write of a transaction. */
export interface Booking {
  readonly run: string;
  readonly pieces: number;
}

/** All that the verdict is made of. */
export interface ChaosEvidence {
  readonly runs: readonly ChaosRun[];
  readonly lines: readonly LedgerLine[];
  readonly victims: readonly Victim[];
  readonly bookings: readonly Booking[];
  /** What the other table of the transactions has counted. */
  readonly booked: number;
  readonly leaseMs: number;
  /** When the last fault was over: ms since the epoch. */
  readonly calmAt: number;
}

/** What was read while the faults went on, which must not be different later. */
export interface Snapshots {
  look(): Promise<void>;
  readonly histories: ReadonlyMap<string, readonly HistoryRow[]>;
  /** Statuses and results of runs that had ended, as text. */
  readonly ends: ReadonlyMap<string, string>;
}

interface StoredRow {
  readonly run: string;
  readonly seq: number;
  readonly data: Uint8Array;
}

const someOpen = `
  SELECT h.run_id::text AS run, h.seq, h.data FROM perdure.history h
  WHERE h.run_id IN (SELECT id FROM perdure.runs WHERE status = 0 ORDER BY random() LIMIT 25) ORDER BY h.run_id, h.seq`;
const someEnded = `
  SELECT id::text AS run, status || ' ' || encode(output, 'hex') AS "end" FROM perdure.runs
  WHERE status > 0 AND number > (SELECT max(number) FROM perdure.runs) - 200 ORDER BY random() LIMIT 25`;

export function createSnapshots(server: ChaosServer): Snapshots {
  const histories = new Map<string, readonly HistoryRow[]>();
  const ends = new Map<string, string>();
  return {
    histories,
    ends,
    async look() {
      for (const [run, rows] of groupByRun(await server.ask<StoredRow>(someOpen))) {
        // The longest: what was there before must be there in the end too.
        if (rows.length > (histories.get(run)?.length ?? 0)) histories.set(run, rows);
      }
      for (const { run, end } of await server.ask<{ run: string; end: string }>(someEnded)) if (!ends.has(run)) ends.set(run, end);
    },
  };
}

function groupByRun<T extends { readonly run: string }>(rows: readonly T[]): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const row of rows) {
    const group = groups.get(row.run);
    if (group) group.push(row);
    else groups.set(row.run, [row]);
  }
  return groups;
}

interface Sources extends Pick<ChaosEvidence, "lines" | "victims" | "leaseMs" | "calmAt"> {
  readonly world: World;
  readonly server: ChaosServer;
  readonly roster: Roster;
  readonly snapshots: Snapshots;
}

/** Reads everything, past the World where it can: the World is what is judged. */
export async function collect({ world, server, roster, snapshots, ...rest }: Sources): Promise<ChaosEvidence> {
  const stored = await server.ask<CommittedRow & StoredRow>(`
    SELECT run_id::text AS run, seq, fence, data, (extract(epoch FROM pg_xact_commit_timestamp(xmin)) * 1000)::float8 AS "committedAt"
    FROM perdure.history ORDER BY run_id, seq`);
  const rows = groupByRun(stored);
  const ids = await server.ask<{ key: string; id: string }>("SELECT key, id::text FROM perdure.runs WHERE key IS NOT NULL");
  const idOf = new Map(ids.map(({ key, id }) => [key, id]));
  const records = await recordsOf(world, [...idOf.values()]);
  const runs: ChaosRun[] = [];
  for (const run of [...roster.all].flatMap((run) => [run, ...childrenOf(run)])) {
    const id = idOf.get(run.key) ?? "";
    const record = records.get(id) ?? null;
    runs.push({
      run,
      acknowledged: roster.acknowledged.has(run.key.split("/")[0] ?? ""),
      record,
      rows: rows.get(id) ?? [],
      seen: snapshots.histories.get(id) ?? [],
      // A stream of a run that has not ended would be read for ever; that run is lost in any case.
      published: record === null || record.status === "running" ? null : await publishedBy(run),
    });
  }
  const bookings = await server.ask<Booking>("SELECT run, pieces FROM bookings");
  const [shelves] = await server.ask<{ booked: number }>("SELECT sum(booked)::float8 AS booked FROM shelves");
  return { runs: runs.map((run) => withEnd(run, snapshots)), bookings, booked: shelves?.booked ?? 0, ...rest };
}

/** A run whose end was another one when it was seen first is not there any more. */
function withEnd(run: ChaosRun, { ends }: Snapshots): ChaosRun {
  const { record } = run;
  const seen = record && ends.get(record.id);
  if (!seen || seen === `1 ${Buffer.from(record.output ?? []).toString("hex")}`) return run;
  return { ...run, record: { ...record, status: "running", note: `it had ended otherwise: ${seen}` } };
}

async function recordsOf(world: World, ids: readonly string[]): Promise<Map<string, RunRecord>> {
  const records = new Map<string, RunRecord>();
  for (let from = 0; from < ids.length; from += 500) {
    for (const record of await world.query.runsById(ids.slice(from, from + 500))) records.set(record.id, record);
  }
  return records;
}

async function publishedBy({ key, workflow }: PlannedRun): Promise<Published | null> {
  if (workflow !== "streams" && workflow !== "progress") return null;
  const run = getRun(key);
  const all = async <T>(namespace: string): Promise<T[]> => {
    const chunks: T[] = [];
    if (workflow === "streams") for await (const chunk of run.getReadable<T>({ namespace })) chunks.push(chunk);
    return chunks;
  };
  return { log: await all<unknown>("log"), speech: await all<Word>("speech"), progress: await run.read("progress") };
}
