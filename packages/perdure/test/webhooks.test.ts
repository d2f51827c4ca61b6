import type { Commit, World } from "@perdure/world";
import { afterEach, beforeAll, describe, expect, expectTypeOf, test, vi } from "vitest";

import { getHookByToken, resumeHook, resumeWebhook, start } from "../src/api/index.ts";
import { createWebhook, type RequestWithResponse, type Serializable, type Webhook } from "../src/index.ts";
import { step } from "../src/internal.ts";
import { workflowOf } from "./support/bundle.ts";
import { anotherWorker, until, useWorld } from "./support/lab.ts";
import { worlds } from "./support/worlds.ts";

beforeAll(() => void vi.stubEnv("PERDURE_WORKER", "off"));
afterEach(() => void vi.stubEnv("PERDURE_URL", undefined));

const isOpen = async (token: string): Promise<boolean> =>
  getHookByToken(token).then(
    () => true,
    () => false,
  );

const post = (body: string, headers: Record<string, string> = {}): Request =>
  new Request("https://shop.example/hook?a=1", { method: "POST", body, headers });

step(
  "w#answer",
  async (request: RequestWithResponse, text: string) => request.respondWith(new Response(`step: ${text} ${await request.text()}`)),
  "answer",
);

test("a webhook gets the request as it was sent, and its sender 202 at once", async () => {
  const code = workflowOf(
    "w#plain",
    "async()=>{const w=createWebhook({token:'plain',metadata:{order:7}});const r=await w;return [r instanceof Request,r.method,r.url,r.headers.get('x-signature'),await r.json(),'respondWith' in r]}",
  );
  await useWorld();
  const run = await start(code, []);
  await until(() => isOpen("plain"), "the webhook");
  expect(await getHookByToken("plain")).toMatchObject({ metadata: { order: 7 }, isWebhook: true });
  const answer = await resumeWebhook("plain", post('{"n":1}', { "x-signature": "abc" }));
  expect([answer.status, await answer.text()]).toEqual([202, ""]);
  expect(await run.returnValue).toEqual([true, "POST", "https://shop.example/hook?a=1", "abc", { n: 1 }, false]);
  await expect(resumeWebhook("plain", post("late"))).rejects.toMatchObject({ code: "HOOK_NOT_FOUND" });
});

test("a webhook may have one response for everybody", async () => {
  const code = workflowOf(
    "w#fixed",
    "async()=>{const w=createWebhook({token:'fixed',respondWith:Response.json({ok:true},{status:201})});const seen=[];for await(const r of w){seen.push(await r.text());if(seen.length===2)return seen}}",
  );
  await useWorld();
  const run = await start(code, []);
  await until(() => isOpen("fixed"), "the webhook");
  for (const text of ["a", "b"]) {
    const answer = await resumeWebhook("fixed", post(text));
    expect([answer.status, answer.headers.get("content-type"), await answer.json()]).toEqual([201, "application/json", { ok: true }]);
  }
  expect(await run.returnValue).toEqual(["a", "b"]);
});

describe.each(worlds)("on %s", (_, createWorld) => {
  test("a workflow answers by itself, or lets a step do it, each sender its own", async () => {
    const code = workflowOf(
      "w#manual",
      `async()=>{const w=createWebhook({token:'manual',respondWith:'manual'});for await(const r of w){
        if(r.method==='PUT'){await callStep('w#answer',[r,'put']);await r.respondWith(new Response('too late'))}
        else if(r.method==='DELETE'){await r.respondWith(new Response(null,{status:204}));return 'gone'}
        else await r.respondWith(new Response(new Blob(['flow: ',await r.text()]),{status:418,headers:{'x-a':'b'}}))}}`,
    );
    await useWorld({}, createWorld());
    const run = await start(code, []);
    await until(() => isOpen("manual"), "the webhook");
    const [first, second] = await Promise.all([
      resumeWebhook("manual", post("one")),
      resumeWebhook("manual", new Request("https://shop.example/", { method: "PUT", body: "two" })),
    ]);
    expect([first.status, first.headers.get("x-a"), await first.text()]).toEqual([418, "b", "flow: one"]);
    expect([second.status, await second.text()]).toEqual([200, "step: put two"]);
    expect((await resumeWebhook("manual", new Request("https://shop.example/", { method: "DELETE" }))).status).toBe(204);
    expect(await run.returnValue).toBe("gone");
  });

  test("an answer that a crash took away is given by the next worker, and a step that is tried again changes nothing", async () => {
    const world = createWorld();
    let isLost = false;
    /** The first worker loses the end of the step: its answer is durable by then, its result is not. */
    const crashing = Object.create(world, {
      commit: {
        value: (commits: readonly Commit[]) => {
          const isEnd = commits.some(({ rows }) => rows.some((row) => Buffer.from(row).toString().includes('"step_completed"')));
          if (!isEnd) return world.commit(commits);
          isLost = true;
          return new Promise(() => undefined);
        },
      },
    }) as World;
    let tries = 0;
    step(
      "w#counted",
      async (request: RequestWithResponse) => {
        tries++;
        await request.respondWith(new Response(`try ${tries}`));
        return tries;
      },
      "counted",
    );
    const code = workflowOf(
      "w#crash",
      "async()=>{const w=createWebhook({token:'crash',respondWith:'manual'});return callStep('w#counted',[await w])}",
    );
    const { worker } = await useWorld({}, crashing);
    const run = await start(code, []);
    await until(() => isOpen("crash"), "the webhook");
    const asked = resumeWebhook("crash", post("x"));
    await until(() => isLost, "the commit");
    await worker.stop();
    await anotherWorker(world);
    expect(await (await asked).text()).toBe("try 1");
    expect(await run.returnValue).toBe(2);
  });
});

test("what comes over HTTP never reaches a private hook, also when it takes a webhook's token over", async () => {
  const code = workflowOf(
    "w#private",
    "async()=>{const w=createWebhook({token:'shared',respondWith:'manual'});await createHook({token:'w-go'});w.dispose();const h=createHook({token:'shared'});const first=await h;return first}",
  );
  const lookalike = workflowOf(
    "w#lookalike",
    "async()=>await createHook({token:'lookalike',metadata:{respondWith:undefined,metadata:undefined}})",
  );
  const { world } = await useWorld();
  const run = await start(code, []);
  await start(lookalike, []);
  await until(async () => (await isOpen("w-go")) && isOpen("lookalike"), "the hooks");
  await expect(resumeWebhook("lookalike", post("x"))).rejects.toMatchObject({ code: "HOOK_NOT_FOUND" });
  // Looked up while it was a webhook, delivered when it is one no more.
  const { query } = world;
  const found = await query.hook("shared");
  await resumeHook("w-go");
  await until(async () => (await query.hook("shared"))?.operation === "hook#2", "the private hook");
  vi.spyOn(query, "hook").mockResolvedValueOnce(found);
  await expect(resumeWebhook("shared", post("x"))).rejects.toMatchObject({ code: "HOOK_NO_REPLY" });
  await resumeHook("shared", "mine");
  expect(await run.returnValue).toBe("mine");
});

test("what is no request is an error where the webhook is awaited", async () => {
  const code = workflowOf("w#odd", "async()=>{const w=createWebhook({token:'odd-w'});return w.then(()=>0,(e)=>[e.code,e.cause.message])}");
  await useWorld();
  const run = await start(code, []);
  await until(() => isOpen("odd-w"), "the webhook");
  await resumeHook("odd-w", { url: "x" });
  expect(await run.returnValue).toEqual(["HOOK_PAYLOAD_INVALID", "It is not a Request."]);
});

test("a sender waits no longer than it wants to", async () => {
  const code = workflowOf("w#slow", "async()=>{const w=createWebhook({token:'slow-w',respondWith:'manual'});for await(const r of w);}");
  await useWorld();
  await start(code, []);
  await until(() => isOpen("slow-w"), "the webhook");
  await expect(resumeWebhook("slow-w", post("x"), { timeout: 1 })).rejects.toMatchObject({ code: "TIMED_OUT" });
  const controller = new AbortController();
  const request = new Request("https://shop.example/", { signal: controller.signal });
  const asked = resumeWebhook("slow-w", request);
  controller.abort();
  await expect(asked).rejects.toMatchObject({ name: "AbortError" });
});

const addresses = workflowOf<[], string>(
  "w#address",
  "async()=>{const w=createWebhook();await createHook({token:'address'});return w.url+' '+createWebhook({token:'a/b c'}).url}",
);

test.each([
  [undefined, "/.well-known/workflow/v1"],
  ["https://shop.example", "https://shop.example/.well-known/workflow/v1"],
  ["https://shop.example/", "https://shop.example/.well-known/workflow/v1"],
  ["http://shop.example:8080/flows/", "http://shop.example:8080/flows"],
])("with PERDURE_URL %s a webhook's address begins with %s, also after a replay elsewhere", async (given, expected) => {
  const { world, worker } = await useWorld();
  vi.stubEnv("PERDURE_URL", given);
  const run = await start(addresses, []);
  await until(() => isOpen("address"), "the hook");
  await worker.stop();
  vi.stubEnv("PERDURE_URL", "https://elsewhere.example");
  await anotherWorker(world);
  await resumeHook("address");
  const [made, own] = (await run.returnValue).split(" ");
  expect(made).toMatch(new RegExp(`^${expected}/webhook/[\\w-]{27}$`));
  expect(own).toBe(`${expected}/webhook/a%2Fb%20c`);
});

test("a run that another one starts, or goes on in, has the same address", async () => {
  const child = workflowOf<[], string>("w#child", "async()=>createWebhook({token:'c'}).url");
  const parent = workflowOf(
    "w#parent",
    "async(child,url)=>url?[url,createWebhook({token:'p'}).url]:continueAsNew([child,await (await start(child,[])).returnValue])",
  );
  await useWorld();
  vi.stubEnv("PERDURE_URL", "https://shop.example");
  const run = await start(parent, [child]);
  vi.stubEnv("PERDURE_URL", "https://elsewhere.example");
  const base = "https://shop.example/.well-known/workflow/v1/webhook";
  expect(await run.returnValue).toEqual([`${base}/c`, `${base}/p`]);
});

test.each(["shop.example", "ftp://shop.example", "https://user:secret@shop.example", "https://shop.example/?a"])(
  "PERDURE_URL %s is refused",
  async (url) => {
    await useWorld();
    vi.stubEnv("PERDURE_URL", url);
    await expect(start(addresses, [])).rejects.toMatchObject({
      code: "INVALID_CONFIGURATION",
      message: expect.not.stringContaining("secret") as string,
    });
  },
);

test.each([
  ["createWebhook({token:''})", "createWebhook({ token })"],
  ["createWebhook({respondWith:200})", "createWebhook({ respondWith })"],
  ["await (await createWebhook({token:'bad',respondWith:'manual'})).respondWith('text')", "respondWith() takes a Response"],
])("%s is refused", async (call, message) => {
  const code = workflowOf(`w#${call}`, `async()=>{try{${call}}catch(e){return [e.code,e.message]}}`);
  await useWorld();
  const run = await start(code, []);
  void until(() => isOpen("bad"), "the webhook")
    .then(() => resumeWebhook("bad", post("x")))
    .catch(() => undefined);
  const [errorCode, text] = (await run.returnValue) as [string, string];
  expect(errorCode).toBe("INVALID_ARGUMENT");
  expect(text).toContain(message);
});

test("outside of workflows there are no webhooks, and only requests are delivered", async () => {
  expect(() => createWebhook()).toThrow("outside of a workflow");
  await expect(resumeWebhook("x", {} as Request)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
});

test("the type of a webhook knows whether its requests can be answered, and steps may be given them", () => {
  const make = (): Webhook<RequestWithResponse> => createWebhook({ respondWith: "manual" });
  const plain = (): Webhook => createWebhook({ respondWith: new Response() });
  expectTypeOf<Awaited<ReturnType<typeof make>>>().toEqualTypeOf<RequestWithResponse>();
  expectTypeOf<Awaited<ReturnType<typeof plain>>>().toEqualTypeOf<Request>();
  expectTypeOf<Serializable<RequestWithResponse>>().toEqualTypeOf<RequestWithResponse>();
});
