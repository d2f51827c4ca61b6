// Runs that a crowded worker gives back with the commit after which they rest.
import type { Release } from "@perdure/world";
import { checkedWorld } from "@perdure/world/conformance";
import { createMemoryWorld } from "@perdure/world/memory";
import { expect, test } from "vitest";

import { resumeHook, startMany, type Run } from "../src/api/index.ts";
import { step } from "../src/internal.ts";
import { workflowOf } from "./support/bundle.ts";
import { until, useWorld, wrap } from "./support/lab.ts";

step("pt#double", async (value: number) => value * 2, "double");

test("of runs that rest, those that come when half of the room is taken are given back by the commit after which they do, and go on when they are called", async () => {
  const shared = checkedWorld(createMemoryWorld());
  const released: Release[] = [];
  await useWorld(
    { maxResidentRuns: 200, idleMs: 3_600_000 },
    wrap(shared, {
      release: async (owner, leases) => {
        released.push(...leases);
        await shared.release(owner, leases);
      },
    }),
  );
  const flow = workflowOf<[number], number>(
    "pt#wait",
    `async(n)=>{const h=createHook({token:"pt"+n});return (await h)+await callStep("pt#double",[n])}`,
  );
  const startSome = async (from: number, to: number): Promise<Run<number>[]> => {
    const indexes = Array.from({ length: to - from }, (_, index) => from + index);
    const runs = await startMany(indexes.map((index) => [flow, [index]] as const));
    await until(async () => (await Promise.all(indexes.map((index) => shared.query.hook(`pt${index}`)))).every(Boolean), "all hooks");
    return runs;
  };
  const ownersOf = async (runs: readonly Run<number>[]): Promise<Set<string | null | undefined>> =>
    new Set(await Promise.all(runs.map(async ({ runId }) => (await shared.query.run({ id: runId }))?.owner)));
  const kept = await startSome(0, 90);
  const parted = await startSome(90, 140);
  expect(await ownersOf(kept)).not.toContain(null);
  expect([...(await ownersOf(parted))]).toEqual([null]);
  expect(released).toEqual([]);
  const runs = [...kept, ...parted];
  await Promise.all(runs.map((_, index) => resumeHook(`pt${index}`, 1000)));
  expect(await Promise.all(runs.map((run) => run.returnValue))).toEqual(runs.map((_, index) => 1000 + index * 2));
});

test("a run whose hook is not free stays with its worker, which tells it so", async () => {
  const world = checkedWorld(createMemoryWorld());
  await useWorld({ maxResidentRuns: 2, idleMs: 3_600_000 }, world);
  const flow = workflowOf<[], string>(
    "pt#same",
    `async()=>{try{return await createHook({token:"pt same"})}catch(e){return e.code??e.name}}`,
  );
  const first = await startMany([[flow, []]]);
  await until(async () => (await world.query.hook("pt same")) !== null, "the hook");
  const others = await startMany([
    [flow, []],
    [flow, []],
  ]);
  const codes = await Promise.all(others.map((run) => run.returnValue));
  expect(new Set(codes).size).toBe(1);
  await resumeHook("pt same", "heard");
  expect(await first[0]!.returnValue).toBe("heard");
});
