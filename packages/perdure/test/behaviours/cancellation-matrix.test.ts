/** What becomes of a parent and its child when the parent is cancelled: how the parent holds the child, by what the child does about it. */
import { expect } from "vitest";

import { getRun, resumeHook } from "../../src/api/index.ts";
import { onEveryWorld, type Behaviours, type Lab } from "../support/behaviours.ts";
import { until } from "../support/lab.ts";
import { endOf } from "../support/run-end.ts";

/** Each waits for the hook "finish", says so, and ends with what arrives. */
const children = {
  "does nothing about it": "async () => { await note('begun'); return createHook({ token: 'finish' }) }",
  "cleans up behind a shield":
    "async () => { await note('begun'); try { return await createHook({ token: 'finish' }) } catch (error) { await shield(() => note('cleaned up')); throw error } }",
  "catches it and completes":
    "async () => { await note('begun'); return createHook({ token: 'finish' }).then((value) => value, () => 'made do') }",
  "works behind a shield": "async () => shield(async () => { await note('begun'); return createHook({ token: 'finish' }) })",
};

const parents = {
  awaits: "async () => { const run = await start(child, [], { id: 'child' }); return run.returnValue }",
  shields: "async () => shield(async () => { const run = await start(child, [], { id: 'child' }); return run.returnValue })",
  "catches what happens to":
    "async () => { const run = await start(child, [], { id: 'child' }); try { return await run.returnValue } catch { return shield(() => note('caught')) } }",
  "has abandoned":
    "async () => { const run = await start(child, [], { id: 'child', parentClosePolicy: 'abandon' }); return run.returnValue }",
};

type Parent = keyof typeof parents;
type Child = keyof typeof children;

const gone = "cancelled: why";
const done = "completed: finished";

/** How the child ends when it was asked to. */
const asked: Record<Child, string> = {
  "does nothing about it": gone,
  "cleans up behind a shield": gone,
  "catches it and completes": "completed: made do",
  "works behind a shield": done,
};

const outcomes: Record<Parent, { readonly parent: string; readonly isChildAsked: boolean }> = {
  awaits: { parent: gone, isChildAsked: true },
  shields: { parent: done, isChildAsked: false },
  "catches what happens to": { parent: "completed: caught", isChildAsked: true },
  "has abandoned": { parent: gone, isChildAsked: false },
};

const rows: Record<string, Behaviours[string]> = {};
for (const parent of Object.keys(parents) as Parent[]) {
  for (const child of Object.keys(children) as Child[]) {
    const ends = { parent: outcomes[parent].parent, child: outcomes[parent].isChildAsked ? asked[child] : done };
    rows[`cancelling a parent that ${parent} a child that ${child}: parent ${ends.parent}, child ${ends.child}`] = (lab) =>
      cancelParent(lab, { parent: parents[parent], child: children[child] }, ends);
  }
}
onEveryWorld(rows);

async function cancelParent(
  lab: Lab,
  codes: { readonly parent: string; readonly child: string },
  ends: { readonly parent: string; readonly child: string },
): Promise<void> {
  lab.flow("child", codes.child);
  const parent = await lab.start(codes.parent);
  await lab.logged("begun");
  await lab.waits(getRun("child"), "hook finish");
  await parent.cancel({ reason: "why" });
  await until(async () => (await lab.history(parent)).includes("cancel_requested"), "the parent is told");
  // A child that was asked to end has had the request by now, and that comes before the payload.
  const isOver = (await getRun("child").status) !== "running";
  if (!isOver) await resumeHook("finish", "finished").catch(() => undefined);
  expect({ parent: await endOf(parent), child: await endOf(getRun("child")) }).toEqual(ends);
  if (codes.child === children["cleans up behind a shield"]) expect(lab.log.includes("cleaned up")).toBe(ends.child === gone);
}
