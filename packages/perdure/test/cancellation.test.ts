import { expect, test } from "vitest";

import { getRun, start } from "../src/api/index.ts";
import { getStepMetadata } from "../src/index.ts";
import { step } from "../src/internal.ts";
import { workflowOf } from "./support/bundle.ts";
import { anotherWorker, until, useWorld } from "./support/lab.ts";

const log: string[] = [];
step(
  "c#work",
  async (name: string) => {
    const { signal } = getStepMetadata();
    log.push(`begin ${name}`);
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    log.push(`aborted ${name}`);
  },
  "work",
);
step("c#note", async (text: string) => (log.push(text), text), "note");
step("c#wait", async (ms: number) => new Promise((resolve) => setTimeout(resolve, ms)), "wait");

const helpers = "const work=n=>callStep('c#work',[n]),note=t=>callStep('c#note',[t]);";
let count = 0;
const flow = (body: string) => workflowOf(`c#flow${++count}`, `async()=>{${helpers}${body}}`);

async function cancelled(body: string, reason?: unknown) {
  log.length = 0;
  const { world } = await useWorld();
  const run = await start(flow(body), []);
  await until(() => log.length > 0, "the workflow begins");
  expect(await run.cancel(reason === undefined ? {} : { reason })).toBe("requested");
  const outcome = await run.returnValue.then(
    (value) => ({ value }),
    (error: unknown) => ({ error: error as Error & { code: string; cause: Error } }),
  );
  return { run, world, outcome, status: await run.status };
}

test("a cancelled run ends as cancelled, its step is told, and the reason reaches whoever waits", async () => {
  const { outcome, status, run } = await cancelled("await work('a');await note('never')", "customer left");
  expect(status).toBe("cancelled");
  expect(outcome).toMatchObject({
    error: {
      code: "RUN_CANCELLED",
      cause: { name: "CancelledError", code: "CANCELLED", message: "Cancelled: customer left", cause: "customer left" },
    },
  });
  await until(() => log.includes("aborted a"), "the step is told");
  expect(log).toEqual(["begin a", "aborted a"]);
  expect(await run.note).toContain("customer left");
  expect(await run.cancel()).toBe("ended");
});

test("sleeps and hooks reject, and the workflow can clean up behind a shield", async () => {
  const body =
    "const seen=[];await note('here');const s=sleep('1h').catch(e=>{seen.push('sleep '+e.name)});const h=createHook();const p=h.then(()=>0,e=>{seen.push('hook '+e.name)});" +
    "try{await Promise.all([s,p]);try{await note('refused')}catch(e){seen.push('step '+e.name)}throw new Error('out')}finally{await shield(()=>note('cleaned '+seen.join()))}";
  const { status } = await cancelled(body);
  expect(status).toBe("failed");
  expect(log).toEqual(["here", "cleaned sleep CancelledError,hook CancelledError,step CancelledError"]);
});

test("a workflow that catches the cancellation and returns has completed", async () => {
  const { outcome, status } = await cancelled("try{await work('b')}catch(e){return e.cause}", { why: 1 });
  expect(status).toBe("completed");
  expect(outcome).toEqual({ value: { why: 1 } });
});

test("a shielded part goes on as if nothing had happened", async () => {
  const { outcome, status } = await cancelled("return await shield(async()=>{await note('one');await sleep(30);return note('two')})");
  expect(status).toBe("completed");
  expect(outcome).toEqual({ value: "two" });
});

test("a cancelled run ends the same on another worker that replays it", async () => {
  log.length = 0;
  const { world, worker } = await useWorld({ leaseMs: 300 });
  const run = await start(
    flow(
      "await note('here');try{await sleep('1h')}finally{await shield(async()=>{await note('cleaning');await sleep(400);await note('cleaned')})}",
    ),
    [],
  );
  await until(() => log.includes("here"), "the workflow begins");
  await run.cancel({ reason: "moved" });
  await until(() => log.includes("cleaning"), "the cleaning begins");
  await worker.stop();
  await anotherWorker(world);
  await until(async () => (await world.query.run({ id: run.runId }))?.status === "cancelled", "the run ends");
  expect(log).toEqual(["here", "cleaning", "cleaned"]);
});

test("a run that nobody has begun can be cancelled", async () => {
  log.length = 0;
  await useWorld();
  const run = await start(flow("await note('x');await sleep('1h')"), [], { id: "not-begun" });
  await getRun("not-begun").cancel();
  await expect(run.returnValue).rejects.toMatchObject({ code: "RUN_CANCELLED" });
});

test("cancelling a run that does not exist is RUN_NOT_FOUND", async () => {
  await useWorld();
  await expect(getRun("nobody").cancel()).rejects.toMatchObject({ code: "RUN_NOT_FOUND" });
});

test("a scope's time limit ends what is in it and nothing else", async () => {
  log.length = 0;
  await useWorld();
  const run = await start(
    flow(
      "const outside=callStep('c#wait',[60]);try{await scope({timeout:20},async()=>{await work('slow')})}catch(e){const rest=await outside;return [e.name,e.code,await note('after')]}",
    ),
    [],
  );
  expect(await run.returnValue).toEqual(["TimeoutError", "TIMED_OUT", "after"]);
  await until(() => log.includes("aborted slow"), "the step is told");
});

test("a scope that ends in time leaves no wait behind", async () => {
  log.length = 0;
  const { world } = await useWorld();
  const run = await start(flow("const r=await scope({timeout:'1h'},()=>note('quick'));await createHook({token:'t-scope'});return r"), []);
  await until(async () => (await run.note)?.includes("hook") === true, "the run waits for the hook");
  expect((await world.query.run({ id: run.runId }))?.dueAt).toBeNull();
});

test("scopes nest: the inner one can be cancelled alone, and goes with the outer one", async () => {
  log.length = 0;
  await useWorld();
  const body =
    "const seen=[];await scope({},async outer=>{" +
    "await scope({},async inner=>{const p=sleep('1h').catch(e=>seen.push('inner '+e.message));inner.cancel('inner only');await p}).catch(()=>0);" +
    "seen.push(await note('outer lives'));" +
    "const q=scope({},()=>shield(()=>note('shielded'))).then(v=>seen.push(v));const r=scope({},async()=>{await null;await sleep('1h')}).catch(e=>seen.push('with outer '+e.message));" +
    "outer.cancel('all');await q;await r}).catch(e=>seen.push(e.message));return seen";
  expect(await (await start(flow(body), [])).returnValue).toEqual([
    "inner Cancelled: inner only",
    "outer lives",
    "with outer Cancelled: all",
    "shielded",
  ]);
});

test("what waits for a hook outside of a scope is not cancelled with the scope in which the hook is disposed of", async () => {
  await useWorld();
  const body =
    "const h=createHook();const said=h.then(()=>0,async e=>note('told '+e.name));" +
    "await scope({},async s=>{await note('inside');h.dispose();s.cancel('enough');await sleep('1h')}).catch(e=>note('scope '+e.name));" +
    "return await said";
  const run = await start(flow(body), []);
  expect(await run.returnValue).toBe("told HookDisposedError");
});

test("signals of a run and of its scopes are aborted with what they belong to, and are the same each time", async () => {
  const body =
    "const seen=[];const {signal}=getWorkflowMetadata();signal.addEventListener('abort',()=>seen.push('run '+signal.reason.cause));" +
    "await note('here');await scope({},async outer=>{const o=outer.signal;await scope({},async inner=>{inner.signal.addEventListener('abort',()=>seen.push('inner'));" +
    "await sleep('1h')}).catch(()=>seen.push(o.aborted,outer.signal===o))}).catch(()=>0);return seen";
  const { outcome } = await cancelled(body, "why");
  expect(outcome).toEqual({ value: ["run why", "inner", true, true] });
});

test("code that runs on after an await still belongs to its scope", async () => {
  log.length = 0;
  await useWorld();
  const body =
    "const seen=[];const a=scope({},async s=>{await note('a1');await Promise.all([note('a2'),null]);setTimeout(()=>s.cancel('a'),1);await sleep('1h')}).catch(e=>seen.push('a '+e.message));" +
    "const b=scope({},async()=>{await note('b1');await note('b2');await sleep(30);return note('b3')}).then(v=>seen.push(v));await Promise.all([a,b]);return seen";
  expect(await (await start(flow(body), [])).returnValue).toEqual(["a Cancelled: a", "b3"]);
});

test("an interval that was cleared gives its name to no other", async () => {
  log.length = 0;
  await useWorld();
  const body =
    "const seen=[];const [a,b,c]=['a','b','c'].map(x=>setInterval(()=>seen.push(x),3600000));clearInterval(a);clearInterval(b);" +
    "const d=setInterval(()=>seen.push('d'),5);await sleep(20);clearInterval(d);clearInterval(c);return [new Set([a,b,c,d]).size,seen[0]]";
  const run = await start(flow(body), []);
  expect(await run.returnValue).toEqual([4, "d"]);
});

test("timers are durable: they fire, repeat and can be cleared", async () => {
  log.length = 0;
  await useWorld();
  const body =
    "const seen=[];await new Promise(resolve=>{const t=setTimeout(()=>seen.push('never'),5);clearTimeout(t);setTimeout(x=>seen.push(x),1,'once');let n=0;const i=setInterval(()=>{seen.push('tick');if(++n===3){clearInterval(i);resolve()}},5)});return seen";
  expect(await (await start(flow(body), [])).returnValue).toEqual(["once", "tick", "tick", "tick"]);
});

test("a step that does not react to its cancellation gives its place to others after the grace", async () => {
  log.length = 0;
  let release = (): void => undefined;
  step("c#deaf", async () => new Promise<void>((resolve) => ((release = resolve), log.push("deaf"))), "deaf");
  await useWorld({ concurrency: 1, graceMs: 20 });
  const run = await start(
    flow(
      "const deaf=spawn((...a)=>callStep('c#deaf',a),[]);const next=note('next');await sleep(50);deaf.cancel('enough');await next;return deaf.result.catch(e=>e.cause)",
    ),
    [],
  );
  expect(await run.returnValue).toBe("enough");
  expect(log).toEqual(["deaf", "next"]);
  // Its end does not give the place up a second time.
  release();
  let active = 0;
  let most = 0;
  step("c#counted", async () => { most = Math.max(most, ++active); await new Promise((resolve) => setImmediate(resolve)); active--; }, "counted"); // prettier-ignore
  await (
    await start(flow("await Promise.all([1,2,3,4].map(()=>callStep('c#counted',[])))"), [])
  ).returnValue;
  expect(most).toBe(1);
});

const reasons: unknown[] = [];
step(
  "c#listen",
  async () => {
    const { signal } = getStepMetadata();
    log.push("listens");
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    reasons.push((signal.reason as Error).cause);
  },
  "listen",
);

test("a step that nobody awaits is told that the run is over", async () => {
  await useWorld();
  log.length = 0;
  const run = await start(flow("void callStep('c#listen',[]);await note('noted');await sleep(5)"), []);
  await run.returnValue;
  await until(() => reasons.length > 0 || !log.includes("listens"), "the step is told");
  expect(log).toContain("listens");
  expect(reasons).toEqual(["the run is over"]);
});
