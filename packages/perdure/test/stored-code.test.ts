/** Workflow code in the World: its form, what becomes of runs whose code was altered or is missing, and how they go on. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { World } from "@perdure/world";
import { createMemoryWorld } from "@perdure/world/memory";
import { createPostgresWorld } from "@perdure/world-postgres";
import { createSqliteWorld } from "@perdure/world-sqlite";
import { describe, expect, onTestFinished, test, vi } from "vitest";

import { query } from "../../../scripts/postgres.mjs";
import { hasTestPostgres, testPostgres } from "../../../scripts/test-servers.mjs";
import { getRun, resumeHook, start, startMany } from "../src/api/index.ts";
import { step } from "../src/internal.ts";
import type { WorkflowBundle } from "../src/registry.ts";
import { encodeRunInput } from "../src/run-input.ts";
import { createBundles } from "../src/worker/bundles.ts";
import { createShortages } from "../src/worker/shortages.ts";
import { packBundle, unpackBundle } from "../src/worker/stored-bundle.ts";
import { anotherWorker, gate, until, useWorld, wrap } from "./support/lab.ts";
import { bundleOf, workflowOf } from "./support/bundle.ts";

/** A World, and how altered code is mended: by another worker's copy or in its row. */
interface Scene {
  readonly world: World;
  mend(workflowId: string, bundle: WorkflowBundle): Promise<void>;
}

function onSqlite(): Promise<Scene> {
  const folder = mkdtempSync(join(tmpdir(), "perdure-code-"));
  const world = createSqliteWorld({ path: join(folder, "world.db") });
  onTestFinished(async () => {
    await world.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return Promise.resolve({
    world,
    async mend(workflowId, bundle) {
      workflowOf(workflowId, "", bundle);
      await anotherWorker(world);
    },
  });
}

async function onPostgres(): Promise<Scene> {
  const url = await testPostgres();
  const world = createPostgresWorld({ url });
  onTestFinished(() => world.close());
  return {
    world,
    async mend(_, bundle) {
      const good = Buffer.from(await packBundle(bundle));
      await query(url, "UPDATE perdure.code SET bytes = $1 WHERE hash = $2", [good, bundle.version]);
    },
  };
}

const scenes: [string, () => Promise<Scene>][] = [["SQLite", onSqlite]];
if (hasTestPostgres()) scenes.push(["PostgreSQL", onPostgres]);

const idOf = (n: number): string => `01900000-0000-7000-8000-${String(n).padStart(12, "0")}`;

const newRun = (n: number, version: string, workflowId = "t#elsewhere") => ({
  id: idOf(n),
  key: null,
  workflowId,
  version,
  input: encodeRunInput({ seed: "0".repeat(32), args: `j[${n}]`, deadlineAt: null, address: null }),
  dueAt: null,
});

const long = bundleOf(`async(name)=>'hello '+name/*${"a library ".repeat(500)}*/`);
const sample = { ...long, map: `{"version":3,"sources":["${"src/orders.ts ".repeat(100)}"],"names":[],"mappings":""}` };

test("code is stored compressed, with its map, and the form before can be read", async () => {
  const packed = await packBundle(sample);
  expect(packed[0]).toBe(1);
  expect(packed.length * 5).toBeLessThan(sample.code.length + sample.map.length);
  const { code, map, version } = (await unpackBundle(packed, sample.version))!;
  expect({ code, map, version }).toEqual(sample);
  const before = Buffer.from(JSON.stringify({ code: sample.code, map: sample.map }));
  expect(await unpackBundle(before, sample.version)).toEqual(sample);
});

test("whatever is done to stored code, it is the code of its version or none; a damaged map costs the map alone", async () => {
  const packed = Buffer.from(await packBundle(sample));
  const other = bundleOf("async()=>'altered'");
  const alterations: Uint8Array[] = [
    Buffer.alloc(0),
    Buffer.from([1]),
    Buffer.from([1, 255, 255, 255, 255, 1]),
    Buffer.from([9, ...packed.subarray(1)]),
    Buffer.from("{"),
    Buffer.from("{}"),
    Buffer.from(JSON.stringify({ code: sample.code.toUpperCase(), map: sample.map })),
    await packBundle(other),
    await packBundle({ ...other, version: sample.version }),
  ];
  for (let at = 0; at < packed.length; at++) {
    alterations.push(packed.subarray(0, at));
    const flipped = Buffer.from(packed);
    flipped[at]! ^= 1 << (at % 8);
    alterations.push(flipped);
  }
  const endOfCode = 5 + packed.readUInt32BE(1);
  let withoutMap = 0;
  for (const bytes of alterations) {
    const bundle = await unpackBundle(bytes, sample.version);
    if (!bundle) continue;
    expect(bundle.code).toBe(sample.code);
    expect(["", sample.map]).toContain(bundle.map);
    expect(bytes.length).toBeGreaterThanOrEqual(endOfCode - 5);
    if (bundle.map === "") withoutMap++;
  }
  expect(withoutMap).toBeGreaterThan(packed.length - endOfCode);
});

describe.each(scenes)("on %s", (name, scene) => {
  test("altered code parks its runs, with longer and longer intervals, and nothing else; mended, they go on", async () => {
    const { world, mend } = await scene();
    let loads = 0;
    let claims = 0;
    const altered = bundleOf(`async(n)=>n+await createHook({token:'altered-${name}-'+n})`);
    const counting = wrap(world, {
      code: { ...world.code, get: (version) => (loads++, world.code.get(version)) },
      claim: async (request) => {
        const claimed = await world.claim(request);
        claims += claimed.runs.filter(({ run }) => run.version === altered.version).length;
        return claimed;
      },
    });
    await useWorld({ leaseMs: 200 }, counting);
    await world.code.put(altered.version, await packBundle(bundleOf("async()=>'altered'")));
    const runs = Array.from({ length: 20 }, (_, n) => newRun(n, altered.version, `t#altered-${name}`));
    await world.createRuns(runs);
    // Messages make a run due at once, and again whenever it is given back.
    await Promise.all(runs.map(({ id }) => getRun(id).wakeUp()));
    const notes = async () => Promise.all(runs.map(({ id }) => getRun(id).note));
    await until(async () => (await notes()).every((note) => note?.startsWith("BUNDLE_CORRUPT")), "the notes");
    // Other runs do not notice.
    step(`t#fine-${name}`, async (n: number) => n, "fine");
    const fine = workflowOf<[number], number>(`t#fineFlow-${name}`, `async(n)=>{await sleep(300);return callStep('t#fine-${name}',[n])}`);
    const others = await Promise.all(Array.from({ length: 10 }, (_, n) => start(fine, [n])));
    expect(await Promise.all(others.map((run) => run.returnValue))).toEqual(others.map((_, n) => n));
    // Intervals of 0.2, 0.4, 0.8 … s: in a hot loop it would be hundreds of each.
    expect(loads).toBeLessThan(20);
    expect(claims).toBeLessThan(20 * 8);
    expect(await getRun(runs[0]!.id).status).toBe("running");
    await mend(`t#altered-${name}`, altered);
    await until(async () => (await notes()).every((note) => note?.startsWith("waits for hook")), "the hooks");
    await Promise.all(runs.map((_, n) => resumeHook(`altered-${name}-${n}`, " goes on")));
    expect(await Promise.all(runs.map(({ id }) => getRun(id).returnValue))).toEqual(runs.map((_, n) => `${n} goes on`));
  });

  test("missing code is waited for; once it is stored the run goes on", async () => {
    const { world } = await scene();
    const bundle = bundleOf("async(name)=>'found by '+name");
    await useWorld({ leaseMs: 200 }, world);
    await world.createRuns([newRun(1, bundle.version)]);
    await until(async () => (await getRun(idOf(1)).note)?.startsWith("VERSION_NOT_FOUND") === true, "the note");
    await createBundles(world).save(bundle);
    expect(await getRun(idOf(1)).returnValue).toBe("found by 1");
  });
});

test("a World that has lost a version gets it with the first start after a minute", async () => {
  let now = 0;
  const stored = new Set<string>();
  const world = createMemoryWorld();
  const bundles = createBundles(wrap(world, { code: { ...world.code, put: async (hash) => void stored.add(hash) } }), () => now);
  const bundle = bundleOf("async()=>'restored'");
  await bundles.save(bundle);
  stored.clear();
  now = 59_999;
  await bundles.save(bundle);
  expect(stored.size).toBe(0);
  now = 60_000;
  await bundles.save(bundle);
  expect([...stored]).toEqual([bundle.version]);
});

test("a run may be started on a version that was started before, and on no other", async () => {
  const { world } = await useWorld();
  const before = workflowOf<[number], string>("t#versions", "async(n)=>'first '+n");
  const first = await start(before, [1]);
  expect(await first.returnValue).toBe("first 1");
  const { version } = (await world.query.run({ id: first.runId }))!;
  // The next deploy: this process has the new code alone.
  const flow = workflowOf<[number], string>("t#versions", "async(n)=>'second '+n");
  const older = await start(flow, [2], { version });
  const [many, present] = await startMany([
    [flow, [3], { version }],
    [flow, [4]],
  ]);
  expect(await Promise.all([older, many, present].map((run) => run.returnValue))).toEqual(["first 2", "first 3", "second 4"]);
  expect((await world.query.run({ id: older.runId }))?.version).toBe(version);
  const current = await start(flow, [3], { version: "current" });
  expect((await world.query.run({ id: current.runId }))?.version).not.toBe(version);
  const unknown = { version: "0".repeat(64), id: "never" };
  await expect(start(flow, [5], unknown)).rejects.toMatchObject({ code: "VERSION_NOT_FOUND" });
  await expect(startMany([[flow, [5], unknown]])).rejects.toMatchObject({ code: "VERSION_NOT_FOUND" });
  await world.code.put("0".repeat(64), await packBundle(sample));
  await expect(start(flow, [5], unknown)).rejects.toMatchObject({ code: "BUNDLE_CORRUPT" });
  await expect(start(flow, [5], { version: "v1" })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  expect(await world.query.run({ key: "never" })).toBe(null);
  const parent = workflowOf<[unknown], string>(
    "t#versionsInside",
    "async(other)=>{try{await start(other,[1],{version:'0'})}catch(e){return e.message}}",
  );
  expect(await (await start(parent, [flow])).returnValue).toContain("{ version }) cannot be used in workflow code");
});

test("a message that comes while a run's code is loaded is taken in after its beginning", async () => {
  const shared = createMemoryWorld();
  const { opened, open } = gate();
  let loads = 0;
  let claims = 0;
  const slow = wrap(shared, {
    code: { ...shared.code, get: async (version) => (loads++, await opened, shared.code.get(version)) },
    claim: (request) => (claims++, shared.claim(request)),
  });
  await useWorld({ leaseMs: 200 }, slow);
  const bundle = bundleOf("async()=>{await sleep('1h');return 'woken'}");
  await createBundles(shared).save(bundle);
  await shared.createRuns([newRun(1, bundle.version)]);
  await until(() => loads === 1, "the load");
  await getRun(idOf(1)).wakeUp();
  const before = claims;
  await until(() => claims > before + 3, "claims that show the message");
  open();
  expect(await getRun(idOf(1)).returnValue).toBe("woken");
});

test("a step that no worker has is waited for at longer and longer intervals, and another worker that has it goes on", async () => {
  const flow = workflowOf<[number], unknown>("t#lackingFlow", "async(n)=>[n,await callStep('t#lacking',[n])]");
  const shared = createMemoryWorld();
  let claims = 0;
  const counting = wrap(shared, {
    claim: async (request) => {
      const claimed = await shared.claim(request);
      claims += claimed.runs.length;
      return claimed;
    },
  });
  const warnings: string[] = [];
  const warned = ({ message }: Error): void => void warnings.push(message);
  process.on("warning", warned);
  onTestFinished(() => void process.off("warning", warned));
  await useWorld({ leaseMs: 100 }, counting);
  const runs = await Promise.all(Array.from({ length: 30 }, (_, n) => start(flow, [n])));
  await until(
    async () => (await Promise.all(runs.map((run) => run.note))).every((note) => note?.startsWith("STEP_NOT_FOUND")),
    "the notes",
  );
  await new Promise((resolve) => setTimeout(resolve, 1500));
  // 0.1, 0.2, 0.4, 0.8 s
  expect(claims).toBeLessThan(30 * 7);
  expect(warnings.filter((message) => message.includes("t#lacking")).length).toBeLessThan(8);
  step("t#lacking", async (n: number) => n, "lacking");
  await anotherWorker(shared);
  expect(await Promise.all(runs.map((run) => run.returnValue))).toEqual(runs.map((_, n) => [n, n]));
});

test("a version is stored again a minute after the last run that was created of it", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout"] });
  onTestFinished(() => void vi.useRealTimers());
  vi.resetModules();
  const fresh = await import("../src/worker/bundles.ts");
  const world = createMemoryWorld();
  const puts: string[] = [];
  const bundles = fresh.createBundles(wrap(world, { code: { ...world.code, put: async (hash) => void puts.push(hash) } }));
  const bundle = bundleOf("async()=>1");
  for (let n = 0; n < 5; n++) await bundles.save(bundle);
  expect(puts).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(59_999);
  expect(puts).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(1);
  await vi.waitFor(() => expect(puts).toHaveLength(2));
  await vi.advanceTimersByTimeAsync(600_000);
  expect(puts).toHaveLength(2);
});

test("intervals grow to a minute, are the same for all that need the same, and begin anew after a while", () => {
  let now = 5;
  const shortages = createShortages(1000, () => now);
  const startedAt = Date.now();
  const left = (what: string): number => shortages.of(what).dueAt - startedAt;
  for (const expected of [1, 2, 4, 8, 16, 32, 60, 60].map((s) => s * 1000)) {
    const { dueAt, isFirst } = shortages.of("v");
    expect(isFirst).toBe(true);
    expect(dueAt - startedAt).toBeGreaterThanOrEqual(expected);
    expect(dueAt - startedAt).toBeLessThan(expected * 1.25 + 1000);
    now += expected - 1;
    expect(shortages.of("v").isFirst).toBe(false);
    now += 1;
  }
  expect(left("another")).toBeLessThan(2250);
  now += 200_000;
  expect(left("v")).toBeLessThan(2250);
});
