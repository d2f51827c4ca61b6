import { transformSync } from "esbuild";
import { expect, test } from "vitest";

import { getHookByToken, resumeHook, start } from "../src/api/index.ts";
import { registerClass, step } from "../src/internal.ts";
import { workflowOf } from "./support/bundle.ts";
import { anotherWorker, until, useWorld } from "./support/lab.ts";

const isOpen = async (token: string): Promise<boolean> =>
  getHookByToken(token).then(
    () => true,
    () => false,
  );

step("e#wait", async (ms: number) => new Promise((resolve) => setTimeout(resolve, ms)), "wait");

/** Runs a workflow to its end. */
async function resultOf(id: string, body: string): Promise<unknown> {
  const code = workflowOf(id, body);
  await useWorld();
  return (await start(code, [])).returnValue;
}

test("a hook that is awaited after its disposal says so", async () => {
  expect(
    await resultOf(
      "e#after",
      "async()=>{const h=createHook({token:'after'});h.dispose();try{await h}catch(e){return [e.name,e.code,e.token]}}",
    ),
  ).toEqual(["HookDisposedError", "HOOK_DISPOSED", "after"]);
});

test("whoever waits for a hook is told of its disposal, in the order of asking", async () => {
  const body = `async()=>{const h=createHook();const said=[];const ask=(n)=>h.then(()=>said.push(n),(e)=>said.push(n+e.code));
    const all=Promise.all([ask('a'),ask('b')]);h.dispose();h.dispose();await all;return said}`;
  expect(await resultOf("e#waiting", body)).toEqual(["aHOOK_DISPOSED", "bHOOK_DISPOSED"]);
});

test("an iteration that waits ends with the hook, and begins no more", async () => {
  const body = `async()=>{const h=createHook();const seen=[];const reading=(async()=>{for await(const p of h)seen.push(p);return 'over'})();
    await callStep('e#wait',[5]);h.dispose();const first=await reading;for await(const p of h)seen.push(p);return [first,seen]}`;
  expect(await resultOf("e#iteration", body)).toEqual(["over", []]);
});

test("`using` ends a hook and everything that reads from it", async () => {
  const { code } = transformSync(
    "const workflow = async () => { let reading; { using hook = createHook({ token: 'used' }); reading = (async () => { const seen = []; for await (const p of hook) seen.push(p); return seen })(); await sleep(1) } return reading };",
    { target: "es2022" },
  );
  expect(await resultOf("e#using", `(()=>{${code};return workflow})()`)).toEqual([]);
});

test("payloads that nobody took are dropped with the hook, live and replayed", async () => {
  const body = `async()=>{const h=createHook({token:'left'});await callStep('e#wait',[60]);const first=await h;h.dispose();
    const rest=await h.then((p)=>p,(e)=>e.code);await createHook({token:'left-end'});return [first,rest]}`;
  const code = workflowOf("e#left", body);
  const { world, worker } = await useWorld();
  const run = await start(code, []);
  await until(() => isOpen("left"), "the hook");
  for (const n of [1, 2, 3]) await resumeHook("left", n);
  await until(() => isOpen("left-end"), "the second hook");
  await worker.stop();
  await anotherWorker(world);
  await resumeHook("left-end");
  expect(await run.returnValue).toEqual([1, "HOOK_DISPOSED"]);
});

test("an iteration that was ended takes no payload away from others", async () => {
  const body = `async()=>{const h=createHook({token:'ended'});const reader=h[Symbol.asyncIterator]();const pending=reader.next();
    await sleep(1);await reader.return();const nothing=await pending;return [nothing.done,await h,(await reader.next()).done]}`;
  const code = workflowOf("e#ended", body);
  await useWorld();
  const run = await start(code, []);
  await until(async () => /^waits for hook ended since \S+Z$/.test((await run.note) ?? ""), "the hook");
  await resumeHook("ended", "mine");
  expect(await run.returnValue).toEqual([true, "mine", true]);
});

/** Instances of it cannot be made in the workflow. */
class Fragile {}
Object.assign(Fragile, { [Symbol.for("workflow-serialize")]: () => "stored", [Symbol.for("workflow-deserialize")]: () => new Fragile() });
registerClass("e#Fragile", Fragile);

test("a payload that cannot be read is an error where it is awaited, and the next one arrives", async () => {
  const body = `(()=>{class Fragile{};__perdure.registerClass('e#Fragile',Object.assign(Fragile,{[Symbol.for('workflow-serialize')]:()=>1,[Symbol.for('workflow-deserialize')]:()=>{throw new RangeError('broken')}}));
    return async()=>{const h=createHook({token:'odd'});const said=[];for(let i=0;i<3;i++)said.push(await h.then((p)=>p,(e)=>[e.code,e.cause.message]));
    await createHook({token:'odd-end'});return said}})()`;
  const code = workflowOf("e#odd", body);
  const { world, worker } = await useWorld();
  const run = await start(code, []);
  await until(() => isOpen("odd"), "the hook");
  await resumeHook("odd", new Fragile());
  await resumeHook("odd", [new Fragile()]);
  await resumeHook("odd", "fine");
  await until(() => isOpen("odd-end"), "the second hook");
  await worker.stop();
  await anotherWorker(world);
  await resumeHook("odd-end");
  expect(await run.returnValue).toEqual([["HOOK_PAYLOAD_INVALID", "broken"], ["HOOK_PAYLOAD_INVALID", "broken"], "fine"]);
});

test("the key of a delivery is the sender's own: it stands in no message's way", async () => {
  const code = workflowOf(
    "e#key",
    "async()=>{const h=createHook({token:'keyed'});const got=[await h];try{await h}catch(e){return [got,e.code]}}",
  );
  await useWorld();
  const run = await start(code, []);
  await until(() => isOpen("keyed"), "the hook");
  await resumeHook("keyed", 1, { key: "cancel" });
  expect(await run.cancel()).toBe("requested");
  expect(await run.returnValue).toEqual([[1], "CANCELLED"]);
});
