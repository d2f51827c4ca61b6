import { expect, test } from "vitest";

import { getHookByToken, resumeHook, start } from "../src/api/index.ts";
import { createHook, defineHook, type StandardSchema } from "../src/index.ts";
import { step } from "../src/internal.ts";
import { workflowOf } from "./support/bundle.ts";
import { until, useWorld } from "./support/lab.ts";

const hookIsOpen = async (token: string): Promise<boolean> =>
  getHookByToken(token).then(
    () => true,
    () => false,
  );

test("a payload resumes the workflow that waits for it, as the value that was sent", async () => {
  const waiting = workflowOf(
    "t#waiting",
    "async()=>{const hook=createHook({token:'approve-1',metadata:{order:7}});const p=await hook;return [p, p.when instanceof Date]}",
  );
  await useWorld();
  const run = await start(waiting, [], { id: "waiting" });
  await until(() => hookIsOpen("approve-1"), "the hook");
  expect(await getHookByToken("approve-1")).toEqual({ runId: "waiting", token: "approve-1", metadata: { order: 7 }, isWebhook: false });
  expect(await run.note).toMatch(/^waits for hook approve-1 since \d{4}-\S+Z$/);
  expect(await resumeHook("approve-1", { when: new Date(9) })).toEqual({ runId: "waiting" });
  expect(await run.returnValue).toEqual([{ when: new Date(9) }, true]);
  await expect(resumeHook("approve-1", 1)).rejects.toMatchObject({ code: "HOOK_NOT_FOUND" });
});

test("payloads arrive in order, each once, also when nobody waits for them yet", async () => {
  step("t#slow", async () => new Promise((resolve) => setTimeout(resolve, 30)), "slow");
  const many = workflowOf(
    "t#many",
    "async()=>{const hook=createHook({token:'many'});await callStep('t#slow',[]);const got=[];for await(const p of hook){got.push(p);if(got.length===5)break}hook.dispose();return got}",
  );
  await useWorld();
  const run = await start(many, []);
  await until(() => hookIsOpen("many"), "the hook");
  for (const n of [1, 2, 3]) await resumeHook("many", n);
  await resumeHook("many", 4, { key: "fourth" });
  await resumeHook("many", 4, { key: "fourth" });
  await resumeHook("many", 5);
  expect(await run.returnValue).toEqual([1, 2, 3, 4, 5]);
});

test("a token that a living hook has is refused to another one, inside the workflow", async () => {
  const holder = workflowOf("t#holder", "async()=>{const hook=createHook({token:'shared'});return await hook}");
  const second = workflowOf(
    "t#second",
    "async()=>{try{return await createHook({token:'shared'})}catch(e){return [e.name,e.code,e.token]}}",
  );
  await useWorld();
  const first = await start(holder, []);
  await until(() => hookIsOpen("shared"), "the hook");
  expect(await (await start(second, [])).returnValue).toEqual(["HookConflictError", "HOOK_CONFLICT", "shared"]);
  await resumeHook("shared", "mine");
  expect(await first.returnValue).toBe("mine");
});

test("a hook that was disposed of frees its token", async () => {
  const reuse = workflowOf(
    "t#reuse",
    "async()=>{const a=createHook({token:'again'});await sleep(1);a.dispose();await sleep(1);const b=createHook({token:'again'});return await b}",
  );
  await useWorld();
  const run = await start(reuse, []);
  await until(
    async () => (await hookIsOpen("again")) && /^waits for hook again since \S+Z$/.test((await run.note) ?? ""),
    "the second hook",
  );
  await resumeHook("again", "second");
  expect(await run.returnValue).toBe("second");
});

test("a token can pass from one hook to the next in the same breath", async () => {
  const relay = workflowOf(
    "t#relay",
    "async()=>{let last;for(let i=0;i<3;i++){const hook=createHook({token:'relay'});last=await hook;hook.dispose()}return last}",
  );
  const { world } = await useWorld();
  const run = await start(relay, []);
  for (const n of [1, 2, 3]) {
    await until(async () => (await world.query.hook("relay"))?.operation === `hook#${n}`, "the next hook");
    await resumeHook("relay", n);
  }
  expect(await run.returnValue).toBe(3);
});

test("a token that the runtime makes has 160 bits and differs between runs and hooks", async () => {
  const tokens = workflowOf<[], string[]>("t#tokens", "async()=>[createHook().token,createHook().token]");
  await useWorld();
  const made = (await Promise.all([(await start(tokens, [])).returnValue, (await start(tokens, [])).returnValue])).flat();
  expect(new Set(made).size).toBe(4);
  for (const token of made) expect(token).toMatch(/^[\w-]{27}$/);
});

test("a definition checks payloads with its schema before anything is delivered", async () => {
  const schema: StandardSchema<{ approved: boolean }> = {
    "~standard": {
      version: 1,
      vendor: "test",
      validate: (value) =>
        typeof (value as { approved?: unknown }).approved === "boolean"
          ? { value: value as { approved: boolean } }
          : { issues: [{ message: "must be a boolean", path: ["approved"] }] },
    },
  };
  const approval = defineHook({ schema });
  const waiting = workflowOf("t#typed", "async()=>await createHook({token:'typed'})");
  await useWorld();
  const run = await start(waiting, []);
  await until(() => hookIsOpen("typed"), "the hook");
  await expect(approval.resume("typed", { approved: "yes" } as never)).rejects.toMatchObject({
    code: "HOOK_PAYLOAD_INVALID",
    message: expect.stringContaining("approved: must be a boolean") as string,
  });
  await approval.resume("typed", { approved: true });
  expect(await run.returnValue).toEqual({ approved: true });
  expect(() => approval.create()).toThrow("outside of a workflow");
  expect(() => createHook()).toThrow("outside of a workflow");
});

test("bad tokens, keys and payloads are refused", async () => {
  await useWorld();
  await expect(resumeHook("", 1)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  await expect(resumeHook("x", 1, { key: "" })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  await expect(resumeHook("x", { f() {} })).rejects.toMatchObject({ code: "SERIALIZATION_FAILED", path: "payload.f" });
  await expect(getHookByToken("x")).rejects.toMatchObject({ code: "HOOK_NOT_FOUND", token: "x" });
});
