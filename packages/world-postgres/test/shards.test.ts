import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { type Commit, type CommitResult, type NewRun, slotOf, type World } from "@perdure/world";
import { hasTestPostgres, testPostgres } from "../../../scripts/test-servers.mjs";
import { query, startPostgres, type PostgresServer } from "../../../scripts/postgres.mjs";
import { createPostgresWorld, setShardState, type PostgresWorldOptions } from "../src/index.ts";
import { createCluster } from "../src/shards/cluster.ts";
import { createShard, QUICK_MS } from "../src/shards/shard.ts";
import { createStore } from "../src/store.ts";
import { startProxy, type Proxy } from "./support/proxy.ts";
import * as runs from "./support/runs.ts";
import { warningsOf } from "./support/warnings.ts";

const { bytes, commitOf } = runs;

const newRun = (world: World, fields: Partial<NewRun> = {}): NewRun =>
  runs.newRun({ id: world.newRunId!(fields.key == null ? undefined : { key: fields.key }), ...fields });

/** A World that is closed with the test. */
async function open(options: PostgresWorldOptions): Promise<World> {
  const world = createPostgresWorld({ connections: 4, ...options });
  onTestFinished(() => world.close(), 60_000);
  await world.setup();
  return world;
}

/** The server that a run lives on: what its lane begins with. */
const serverOf = (world: World, runId: string): string => world.laneOf!(runId).split(" ")[0]!;

async function three(): Promise<Record<"a" | "b" | "c", string>> {
  return { a: await testPostgres(), b: await testPostgres(), c: await testPostgres() };
}

/** A run that belongs to the worker, on that server. */
async function runOn(world: World, shard: string, worker: string, fields: Partial<NewRun> = {}): Promise<string> {
  await world.heartbeat(worker, 600_000);
  for (;;) {
    const run = newRun(world, fields);
    if (fields.key == null && serverOf(world, run.id) !== shard) continue;
    const [created] = await world.createRuns([run], { owner: worker });
    return created!.run.id;
  }
}

async function commit(world: World, one: Commit): Promise<CommitResult> {
  return (await world.commit([one]))[0]!;
}

async function waitingOf(world: World, runId: string): Promise<string[]> {
  return (await world.load(runId)).messages.map(({ id }) => id);
}

/** A token whose home is that server: found out by who reserves it. */
async function tokenOf(world: World, urls: Record<string, string>, home: string): Promise<string> {
  for (let index = 0; ; index++) {
    const token = `token ${index}`;
    const runId = await runOn(world, home === "a" ? "b" : "a", "finder");
    await commit(world, commitOf(runId, "finder", 0, { hooks: [{ token, operation: "op", metadata: null }] }));
    const held = await Promise.all(Object.entries(urls).map(async ([name, url]) => [name, await holdersAt(url, token)] as const));
    await world.end(runId, { status: "cancelled", output: null, note: null });
    if (held.some(([name, rows]) => name === home && rows > 0)) return token;
  }
}

const holdersAt = async (url: string, token: string): Promise<number> =>
  (await query(url, "SELECT 1 FROM perdure.hooks WHERE token = $1", [token])).length;
const outboxOf = async (url: string): Promise<number> => (await query(url, "SELECT 1 FROM perdure.outbox")).length;

/** The way to one server, which the test can block. */
async function behindProxy(urls: Record<string, string>, name: string): Promise<{ shards: Record<string, string>; proxy: Proxy }> {
  const proxy = await startProxy(urls[name]!, () => "none");
  onTestFinished(() => proxy.close(), 60_000);
  return { shards: { ...urls, [name]: proxy.url }, proxy };
}

describe.runIf(hasTestPostgres())("several servers", { timeout: 90_000 }, () => {
  test("new runs spread over all, keys and their runs share a server, and what is near stays near", async () => {
    const world = await open({ shards: await three() });
    const ids = Array.from({ length: 60 }, () => world.newRunId!());
    expect(new Set(ids.map((id) => serverOf(world, id)))).toEqual(new Set(["a", "b", "c"]));
    for (const id of ids) expect(slotOf(world.newRunId!({ near: id }))).toBe(slotOf(id));
    const keyed = ["x", "y", "z"].map((key) => newRun(world, { key }));
    for (const { id, key } of keyed) expect(serverOf(world, world.newRunId!({ key: key! }))).toBe(serverOf(world, id));
    await world.createRuns(keyed);
    for (const { id, key } of keyed) expect((await world.query.run({ key: key! }))?.id).toBe(id);
  });

  test("a claim and a heartbeat say on which servers a lease was renewed, and every id has a lane", async () => {
    const urls = await three();
    const { shards, proxy } = await behindProxy(urls, "b");
    const unopened = createPostgresWorld({ shards });
    expect(unopened.laneOf!("no run")).toEqual(expect.any(String));
    await unopened.close();
    const world = await open({ shards, commitLanes: 1 });
    const [whole, claimed] = [await world.heartbeat("w", 60_000), await world.claim({ worker: "w", limit: 1, leaseMs: 60_000 })];
    expect([whole, claimed.renewed]).toEqual([{}, undefined]);
    const onB = await runOn(world, "b", "w");
    proxy.freeze();
    const others = new Set(["a 0", "c 0"]);
    expect(await world.heartbeat("w", 60_000)).toEqual({ renewed: others });
    expect((await world.claim({ worker: "w", limit: 1, leaseMs: 60_000 })).renewed).toEqual(others);
    proxy.thaw();
    await expect.poll(async () => world.heartbeat("w", 60_000), { timeout: 30_000 }).toEqual({});
    // A process that was not told of the server has no way to the run, but knows its lane.
    const { b: _, ...two } = urls;
    const partial = await open({ shards: two, commitLanes: 1 });
    expect(partial.laneOf!(onB)).toBe("b 0");
    await expect(partial.load(onB)).rejects.toMatchObject({ code: "WORLD_UNAVAILABLE" });
  });

  test("a commit that hangs between its reservation and its writing gives the token up; it lands late and takes nothing", async () => {
    const urls = await three();
    const world = await open({ shards: urls });
    const token = await tokenOf(world, urls, "c");
    const { shards, proxy } = await behindProxy(urls, "b");
    const slow = await open({ shards });
    const [late, second] = [await runOn(world, "b", "w"), await runOn(world, "a", "w")];
    const hooks = [{ token, operation: "op", metadata: null }];
    await slow.load(late); // connections are there
    proxy.freeze();
    const hanging = commit(slow, commitOf(late, "w", 0, { hooks }));
    await expect.poll(() => holdersAt(urls.c, token)).toBe(1);
    expect(await commit(world, commitOf(second, "w", 0, { hooks }))).toEqual({ status: "committed", conflicts: [] });
    proxy.thaw();
    const outcome = await hanging;
    expect(outcome).toMatchObject({ status: "failed", error: { code: "WORLD_UNAVAILABLE" } });
    expect((await world.query.hook(token))?.runId).toBe(second);
    expect((await world.load(late)).rows).toEqual([]);
    expect(await commit(world, commitOf(late, "w", 0, { hooks }))).toEqual({ status: "committed", conflicts: ["op"] });
  });

  test("what a process that crashed left in an outbox is delivered by another, once", async () => {
    const urls = await three();
    const world = await open({ shards: urls });
    const { shards, proxy } = await behindProxy(urls, "c");
    const token = await tokenOf(world, urls, "c");
    const dying = createPostgresWorld({ shards, connections: 2 });
    await dying.setup();
    const [sender, receiver, awaited] = [await runOn(world, "a", "w"), await runOn(world, "c", "w"), await runOn(world, "c", "w")];
    const hooks = [{ token, operation: "op", metadata: null }];
    expect(await commit(world, commitOf(sender, "w", 0, { hooks }))).toMatchObject({ conflicts: [] });
    proxy.freeze();
    const messages = [{ id: "m", to: { runId: receiver }, kind: "wake", payload: bytes("p") }];
    const awaits = [{ operation: "child", run: { id: awaited } }];
    expect(await commit(dying, commitOf(sender, "w", 1, { messages, awaits, disposedHooks: ["op"] }))).toMatchObject({
      status: "committed",
    });
    expect([await outboxOf(urls.a), await waitingOf(world, receiver), await holdersAt(urls.c, token)]).toEqual([3, [], 1]);
    proxy.cut();
    await dying.close();
    await expect.poll(() => outboxOf(urls.a)).toBe(0);
    expect([await waitingOf(world, receiver), await holdersAt(urls.c, token)]).toEqual([["m"], 0]);
    expect(await commit(world, commitOf(awaited, "w", 0, { patch: { status: "completed", output: bytes("done") } }))).toMatchObject({
      status: "committed",
    });
    await expect.poll(() => waitingOf(world, sender)).toEqual(["ended:child"]);
  });

  test("a server that joins moves nothing; who was not told of it cannot reach its runs, and goes on with the others", async () => {
    const { a, b, c } = await three();
    const old = await open({ shards: { a, b } });
    const keys = Array.from({ length: 20 }, (_, index) => `key ${index}`);
    const before = keys.map((key) => newRun(old, { key }));
    await old.createRuns(before);
    const grown = await open({ shards: { a, b, c } });
    for (const { id, key } of before) {
      expect(serverOf(grown, id)).toBe(serverOf(old, id));
      expect((await grown.query.run({ key: key! }))?.id).toBe(id);
      expect((await grown.createRuns([newRun(grown, { key })]))[0]).toMatchObject({ created: false, run: { id } });
    }
    const there = await runOn(grown, "c", "w");
    await expect(old.load(there)).rejects.toMatchObject({ code: "WORLD_UNAVAILABLE", message: expect.stringContaining('"c"') as string });
    expect((await old.load(before[0]!.id)).rows).toEqual([]);
    expect((await old.query.runs()).unavailable).toEqual(["c"]);
    expect((await grown.query.runs()).unavailable).toBeUndefined();
  });

  test("who cannot reach the server that joins goes on with the others, and finds its runs when it can", async () => {
    const { a, b, c } = await three();
    await open({ shards: { a, b } });
    let isCutOff = true;
    const proxy = await startProxy(c, () => (isCutOff ? "before" : "none"));
    onTestFinished(() => proxy.close(), 60_000);
    const cutOff = await open({ shards: { a, b, c: proxy.url }, patienceMs: 300 });
    const grown = await open({ shards: { a, b, c } });
    const there = await runOn(grown, "c", "w");
    expect(await commit(grown, commitOf(there, "w", 0))).toMatchObject({ status: "committed" });
    await expect(cutOff.load(there)).rejects.toMatchObject({ code: "WORLD_UNAVAILABLE" });
    expect((await cutOff.query.runs()).unavailable).toEqual(["c"]);
    const ids = Array.from({ length: 20 }, () => cutOff.newRunId!());
    expect(new Set(ids.map((id) => serverOf(cutOff, id)))).toEqual(new Set(["a", "b"]));
    expect(await cutOff.createRuns(ids.map((id) => newRun(cutOff, { id })))).toHaveLength(20);
    isCutOff = false;
    await expect.poll(async () => (await cutOff.query.runs()).unavailable).toBeUndefined();
    expect((await cutOff.load(there)).rows).toHaveLength(1);
  });

  test("a process with an older topology reads the new one when it meets a run of the new server", async () => {
    const { a, b, c } = await three();
    await open({ shards: { a, b } });
    const nowhere = { isLocal: () => false, isHome: () => false, noteOutbox: () => {} };
    const shards = Object.entries({ a, b, c }).map(([name, from]) =>
      createShard(name, createStore({ notify: false }, {}, { from, locality: nowhere }), QUICK_MS, {
        comesUp: async () => {},
        isUp: () => {},
      }),
    );
    onTestFinished(async () => void (await Promise.all(shards.map((shard) => shard.close()))), 60_000);
    // It was set up when `c` could not be reached, so that it could not join.
    await Promise.all(shards.slice(0, 2).map((shard) => shard.open()));
    const cluster = createCluster(shards, true);
    await cluster.setup();
    const grown = await open({ shards: { a, b, c } });
    const there = await runOn(grown, "c", "w");
    expect(Object.keys(cluster.topology().shards)).toEqual(["a", "b"]);
    expect(cluster.shardOf(there).name).not.toBe("c");
    await cluster.know([there]);
    expect(cluster.shardOf(there).name).toBe("c");
  });

  test("what a server refuses to take stays in the outbox, and is told of once: DELIVERY_FAILED", async () => {
    const urls = await three();
    const world = await open({ shards: urls });
    const [sender, receiver] = [await runOn(world, "a", "w"), await runOn(world, "b", "w")];
    const warnings = warningsOf("DELIVERY_FAILED");
    await query(urls.b, "ALTER TABLE perdure.messages RENAME TO mail");
    const messages = ["m", "n"].map((id) => ({ id, to: { runId: receiver }, kind: "wake", payload: bytes(id) }));
    expect(await commit(world, commitOf(sender, "w", 0, { messages }))).toMatchObject({ status: "committed" });
    await expect.poll(() => warnings).toMatchObject([{ message: expect.stringMatching(/\(message; .* stays in the outbox/) as string }]);
    expect(await outboxOf(urls.a)).toBe(2);
    await query(urls.b, "ALTER TABLE perdure.mail RENAME TO messages");
    await expect.poll(() => waitingOf(world, receiver)).toEqual(["m", "n"]);
    await expect.poll(() => outboxOf(urls.a)).toBe(0);
    expect(warnings).toHaveLength(1);
  });

  test("a closed server gets no new runs of its own accord, and keeps those that it has", async () => {
    const shards = await three();
    const world = await open({ shards });
    const there = await runOn(world, "b", "w");
    await setShardState({ shards }, "b", "closed");
    const other = await open({ shards });
    const ids = Array.from({ length: 60 }, () => other.newRunId!());
    expect(new Set(ids.map((id) => serverOf(other, id)))).toEqual(new Set(["a", "c"]));
    expect(await commit(other, commitOf(there, "w", 0))).toEqual({ status: "committed", conflicts: [] });
    await setShardState({ shards }, "b", "open");
    const again = await open({ shards });
    expect(new Set(Array.from({ length: 60 }, () => serverOf(again, again.newRunId!())))).toEqual(new Set(["a", "b", "c"]));
    await expect(setShardState({ shards }, "d", "open")).rejects.toMatchObject({ code: "WORLD_INVALID_ARGUMENT" });
  });

  test("one server becomes the first of several, with its runs, keys and tokens; nobody takes it for the only one any more", async () => {
    const { a, b } = await three();
    const alone = await open({ url: a });
    const before = { ...newRun(alone), id: alone.newRunId!(), key: "order" };
    await alone.heartbeat("w", 600_000);
    await alone.createRuns([before], { owner: "w" });
    const hooks = [{ token: "approve", operation: "op", metadata: null }];
    await commit(alone, commitOf(before.id, "w", 0, { hooks }));
    const world = await open({ shards: { b, a } });
    expect(serverOf(world, before.id)).toBe("a");
    expect((await world.createRuns([newRun(world, { key: "order" })]))[0]).toMatchObject({ created: false, run: { id: before.id } });
    const other = await runOn(world, "b", "w");
    expect(await commit(world, commitOf(other, "w", 0, { hooks }))).toEqual({ status: "committed", conflicts: ["op"] });
    expect((await world.query.hook("approve"))?.runId).toBe(before.id);
    await expect(open({ url: a })).rejects.toMatchObject({ code: "WORLD_INVALID_ARGUMENT" });
    const stranger = await testPostgres();
    await (await open({ url: stranger })).createRuns([newRun(alone, { id: alone.newRunId!() })]);
    await expect(open({ shards: { a, b, c: stranger } })).rejects.toMatchObject({ code: "WORLD_INVALID_ARGUMENT" });
  });
});

describe.runIf(hasTestPostgres())("one of three servers is down", { timeout: 120_000 }, () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres({ settings: { fsync: "off" } });
  });
  afterAll(() => server.stop());

  test("the others go on: commits, claims, new runs, queries, which say what is missing; and then it comes back", async () => {
    const { a, c } = await three();
    const shards = { a, b: await server.createDatabase(), c };
    const world = await open({ shards, patienceMs: 60_000 });
    const [here, there] = [await runOn(world, "a", "w"), await runOn(world, "b", "w")];
    await world.code.put("early", bytes("code"));
    await server.stop({ how: "immediate", keepData: true });

    const stuck = commit(world, commitOf(there, "w", 0));
    const messages = ["m", "n"].map((id) => ({ id, to: { runId: there }, kind: "wake", payload: bytes(id) }));
    expect(await commit(world, commitOf(here, "w", 0, { messages }))).toMatchObject({ status: "committed" });
    for (let base = 1; base < 20; base++) expect(await commit(world, commitOf(here, "w", base))).toMatchObject({ status: "committed" });
    await world.heartbeat("w", 600_000);
    expect((await world.claim({ worker: "w", limit: 10, leaseMs: 600_000 })).runs).toEqual([]);
    const ids = Array.from({ length: 40 }, () => world.newRunId!());
    expect(new Set(ids.map((id) => serverOf(world, id)))).toEqual(new Set(["a", "c"]));
    await world.createRuns(ids.map((id) => newRun(world, { id })));
    expect((await world.claim({ worker: "w", limit: 100, leaseMs: 600_000 })).runs).toHaveLength(40);
    const page = await world.query.runs();
    expect([page.unavailable, page.runs.length]).toEqual([["b"], 41]);
    expect((await world.query.runsById([here, there])).map(({ id }) => id)).toEqual([here]);
    await world.code.put("late", bytes("code"));
    const late = await open({ shards });
    expect((await late.query.runs()).unavailable).toEqual(["b"]);

    await server.start();
    expect(await stuck).toEqual({ status: "committed", conflicts: [] });
    for (const one of [world, late]) await expect.poll(async () => (await one.query.runs()).unavailable).toBeUndefined();
    await expect.poll(() => waitingOf(world, there)).toEqual(["m", "n"]);
    expect((await late.load(there)).rows).toHaveLength(1);
    await expect.poll(async () => (await query(shards.b, "SELECT hash FROM perdure.code ORDER BY hash")).length).toBe(2);
  });
});
