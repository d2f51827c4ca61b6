/** What people and tools ask: one server where the question says which, else all that answer. */

import type { QueryRunsRequest, RunPage, RunRecord, VersionList, VersionRecord, World } from "@perdure/world";
import { assertQueryRuns, isRunId, WorldError } from "@perdure/world";
import { numberedRuns } from "../operations/query.ts";
import type { Cluster } from "./cluster.ts";
import { recordWithKey } from "./commits.ts";
import type { Directory } from "./directory.ts";
import { isUnavailable, type Shard } from "./shard.ts";

export function createQueries(cluster: Cluster, directory: Directory): World["query"] {
  const at = async (runId: string): Promise<Shard> => {
    await cluster.know([runId]);
    return cluster.shardOf(runId);
  };
  return {
    async run(by) {
      if ("id" in by) return isRunId(by.id) ? (await at(by.id)).call((world) => world.query.run(by)) : null;
      const holder = await directory.holderOfKey(by.key);
      return holder === null ? null : recordWithKey(cluster, holder, by.key);
    },
    async runsById(ids) {
      const known = ids.filter((id) => isRunId(id));
      await cluster.know(known);
      return runsById(cluster, known);
    },
    runs: async (request = {}) => allRuns(cluster, request),
    versions: async (workflowId) => allVersions(cluster, workflowId),
    async state(runId, key) {
      return isRunId(runId) ? (await at(runId)).call((world) => world.query.state(runId, key)) : [];
    },
    async hook(token) {
      const holder = await directory.holderOfToken(token);
      return holder === null ? null : (await at(holder)).call((world) => world.query.hook(token));
    },
  };
}

/** Those of servers that answer; when none does, that is an error. */
async function runsById(cluster: Cluster, ids: readonly string[]): Promise<RunRecord[]> {
  const byShard = new Map<Shard, string[]>();
  for (const id of ids) {
    const shard = cluster.shardOf(id);
    byShard.set(shard, [...(byShard.get(shard) ?? []), id]);
  }
  const asked = [...byShard];
  const answers = await Promise.allSettled(
    asked.map(([shard, own]) =>
      asked.length === 1 ? shard.call((world) => world.query.runsById(own)) : shard.quickly((world) => world.query.runsById(own)),
    ),
  );
  const failed = answers.find(({ status }) => status === "rejected");
  if (failed?.status === "rejected" && (!isUnavailable(failed.reason) || answers.every(({ status }) => status === "rejected")))
    throw failed.reason;
  return answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []));
}

/** How far a listing has come on each server: the number of the last run; null at its end, or when it did not answer. */
type Cursors = Readonly<Record<string, { readonly n: string | null; readonly missing?: true }>>;

/** A run that a server listed, and what is to be remembered once it was given out. */
interface Listed {
  readonly run: RunRecord;
  readonly shard: string;
  readonly number: number;
}

async function allRuns(cluster: Cluster, request: QueryRunsRequest): Promise<RunPage> {
  assertQueryRuns(request);
  const { cursor, limit = 100, ...filter } = request;
  const before = cursor === undefined ? {} : parseCursor(cursor);
  const next: Record<string, { n: string | null; missing?: true }> = { ...before };
  const lists = await Promise.all(
    cluster.shards.map(async (shard): Promise<readonly Listed[]> => {
      const from = before[shard.name];
      if (from?.n === null) return [];
      try {
        const page = await shard.quickly(() =>
          numberedRuns(shard.database(), { ...filter, limit, ...(from?.n != null && { cursor: from.n }) }),
        );
        // Nothing that is created later belongs to this listing, also where it has taken nothing yet.
        next[shard.name] = { n: page.hasMore ? String(page.numbers[0]! + 1) : null };
        return page.runs.map((run, index) => ({ run, shard: shard.name, number: page.numbers[index]! }));
      } catch (error) {
        if (!isUnavailable(error)) throw error;
        next[shard.name] = { n: null, missing: true };
        return [];
      }
    }),
  );
  const merged = mergeNewestFirst(lists);
  const page = merged.slice(0, limit);
  for (const { shard, number } of page) if (next[shard]!.n !== null) next[shard] = { n: String(number) };
  // A server that had no more has more, when not all of it fitted.
  for (const { shard } of merged.slice(limit)) {
    const last = page.findLast((one) => one.shard === shard);
    next[shard] = { n: String(last?.number ?? merged.find((one) => one.shard === shard)!.number + 1) };
  }
  const names = [...cluster.shards.map(({ name }) => name), ...Object.keys(cluster.topology().shards)];
  const unavailable = [...new Set(names)].filter((name) => next[name]?.missing ?? next[name] === undefined);
  const isEnd = Object.values(next).every(({ n }) => n === null);
  return {
    runs: page.map(({ run }) => run),
    cursor: isEnd ? null : Buffer.from(JSON.stringify(next)).toString("base64url"),
    ...(unavailable.length > 0 && { unavailable }),
  };
}

/** The sums of all servers that answer. */
async function allVersions(cluster: Cluster, workflowId: string | undefined): Promise<VersionList> {
  const counts = new Map<string, VersionRecord>();
  const answered = new Set<string>();
  const ask = async (shard: Shard): Promise<void> => {
    try {
      const { versions } = await shard.quickly((world) => world.query.versions(workflowId));
      answered.add(shard.name);
      for (const one of versions) {
        const key = JSON.stringify([one.workflowId, one.version]);
        counts.set(key, { ...one, open: one.open + (counts.get(key)?.open ?? 0) });
      }
    } catch (error) {
      if (!isUnavailable(error)) throw error;
    }
  };
  await Promise.all(cluster.shards.map(ask));
  const names = [...cluster.shards.map(({ name }) => name), ...Object.keys(cluster.topology().shards)];
  const unavailable = [...new Set(names)].filter((name) => !answered.has(name));
  const versions = [...counts.values()].sort((a, b) => (a.workflowId < b.workflowId ? -1 : a.workflowId > b.workflowId ? 1 : 0));
  return { versions, ...(unavailable.length > 0 && { unavailable }) };
}

/** Each list is in the order of creation on its server, whatever the clock said meanwhile. */
function mergeNewestFirst(lists: readonly (readonly Listed[])[]): Listed[] {
  const places = lists.map(() => 0);
  const merged: Listed[] = [];
  for (;;) {
    let best = -1;
    for (const [index, list] of lists.entries()) {
      const candidate = list[places[index]!];
      if (candidate !== undefined && (best < 0 || isNewer(candidate, lists[best]![places[best]!]!))) best = index;
    }
    if (best < 0) return merged;
    merged.push(lists[best]![places[best]!++]!);
  }
}

function isNewer(a: Listed, b: Listed): boolean {
  return a.run.createdAt === b.run.createdAt ? a.run.id > b.run.id : a.run.createdAt > b.run.createdAt;
}

function parseCursor(cursor: string): Cursors {
  try {
    const cursors = JSON.parse(Buffer.from(cursor, "base64url").toString()) as Cursors;
    if (Object.values(cursors).every(({ n }) => n === null || /^\d{1,15}$/.test(n))) return cursors;
  } catch {
    // Said below.
  }
  throw new WorldError("WORLD_INVALID_ARGUMENT", `"${cursor}" is not a cursor of this World.`, {
    hint: "Pass the cursor of the page before.",
  });
}
