/** A World that says where runs live: their ids and tokens bear it, and what waits for one place holds up no other. */
import { slotOf, slotOfToken, withSlot, type Commit, type CommitResult, type World } from "@perdure/world";
import { checkedWorld } from "@perdure/world/conformance";
import { createMemoryWorld } from "@perdure/world/memory";
import { v7 as uuid } from "uuid";
import { expect, test } from "vitest";

import { resumeHook, start, startMany } from "../src/api/index.ts";
import { step } from "../src/internal.ts";
import { workflowOf } from "./support/bundle.ts";
import { until, useWorld } from "./support/lab.ts";

/** Runs with a key live in slot 7, others by turns in 1 and 2; each slot is a lane. */
function placed(changes: Partial<World> = {}): World {
  let turn = 0;
  const slotFor = (place: Parameters<NonNullable<World["newRunId"]>>[0]): number =>
    place === undefined ? 1 + (turn++ % 2) : "near" in place ? slotOf(place.near) : 7;
  return checkedWorld({
    ...createMemoryWorld(),
    newRunId: (place) => withSlot(uuid(), slotFor(place)),
    laneOf: (runId) => String(slotOf(runId)),
    ...changes,
  });
}

step("ln#one", async () => 1, "one");
step(
  "ln#read",
  async (stream: ReadableStream<string>) => {
    const parts: string[] = [];
    for await (const part of stream) parts.push(part);
    return parts;
  },
  "read",
);
const oneStep = workflowOf<[], number>("ln#one-step", "async()=>callStep('ln#one',[])");

test("new runs have the World's ids, those with a key where keys are, those of startMany together", async () => {
  await useWorld({}, placed());
  const keyed = await start(oneStep, [], { id: "order" });
  const [one, two] = [await start(oneStep, []), await start(oneStep, [])];
  expect([keyed, one, two].map(({ runId }) => runId)).toEqual(["order", expect.any(String), expect.any(String)]);
  expect([slotOf(one.runId), slotOf(two.runId)].toSorted()).toEqual([1, 2]);
  const many = await startMany([[oneStep, []] as const, [oneStep, []] as const, [oneStep, []] as const]);
  expect(new Set(many.map(({ runId }) => slotOf(runId))).size).toBe(1);
  for (const run of [keyed, one, two, ...many]) expect(await run.returnValue).toBe(1);
});

test("children, successors and tokens of a run bear its slot", async () => {
  const commits: Commit[] = [];
  const world = placed();
  const commit = world.commit.bind(world);
  await useWorld({}, { ...world, commit: (batch) => (commits.push(...batch), commit(batch)) });
  const child = workflowOf<[], string>("ln#child", "async()=>'child'");
  const parent = workflowOf<[unknown, number], string>(
    "ln#parent",
    "async(child,n)=>{if(n<1)return continueAsNew([child,n+1]);const hook=createHook();const run=await start(child,[]);return await run.returnValue+' '+await hook}",
  );
  const run = await start(parent, [child, 0]);
  const slot = slotOf(run.runId);
  const tokens = (): string[] => commits.flatMap(({ hooks = [] }) => hooks.map(({ token }) => token));
  await until(() => tokens().length > 0, "the hook");
  expect(tokens().map(slotOfToken)).toEqual([slot]);
  await resumeHook(tokens()[0]!, "and hook");
  expect(await run.returnValue).toBe("child and hook");
  const related = commits.flatMap(({ runs = [], successor }) => [...runs, ...(successor ? [successor] : [])]);
  expect(related).toHaveLength(2);
  expect(related.map(({ id }) => slotOf(id))).toEqual([slot, slot]);
});

test("streams among the arguments are found under the World's id", async () => {
  await useWorld({}, placed());
  const reads = workflowOf<[ReadableStream], unknown>("ln#reads", "async(s)=>callStep('ln#read',[s])");
  const run = await start(reads, [
    new ReadableStream({
      start(controller) {
        controller.enqueue("a");
        controller.close();
      },
    }),
  ]);
  expect(await run.returnValue).toEqual(["a"]);
});

test("a lane whose commits do not come back holds up its own runs only", async () => {
  const memory = createMemoryWorld();
  let letGo = (): void => undefined;
  const gate = new Promise<void>((resolve) => (letGo = resolve));
  let mixed = false;
  const commit = async (commits: readonly Commit[]): Promise<CommitResult[]> => {
    const lanes = new Set(commits.map(({ runId }) => slotOf(runId)));
    mixed ||= lanes.size > 1; // (Not thrown: a call that fails is tried again in its parts.)
    if (lanes.has(2)) await gate;
    return memory.commit(commits);
  };
  await useWorld({}, placed({ ...memory, commit }));
  const runs = await Promise.all(Array.from({ length: 20 }, () => start(oneStep, [])));
  const [slow, fast] = [2, 1].map((slot) => runs.filter(({ runId }) => slotOf(runId) === slot));
  for (const run of fast!) expect(await run.returnValue).toBe(1);
  expect(await Promise.all(slow!.map((run) => run.status))).toEqual(slow!.map(() => "running"));
  letGo();
  for (const run of slow!) expect(await run.returnValue).toBe(1);
  expect(mixed).toBe(false);
});
