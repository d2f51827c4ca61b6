import { request as httpRequest } from "node:http";

import { WorldError } from "@perdure/world";
import { beforeAll, describe, expect, test, vi } from "vitest";

import { getHookByToken, getRun, resumeHook, start } from "../src/api/index.ts";
import { createHandler, type Access } from "../src/http/index.ts";
import type { RequestWithResponse } from "../src/index.ts";
import { step } from "../src/internal.ts";
import { copyInto } from "../src/streams/process-streams.ts";
import { workflowOf } from "./support/bundle.ts";
import { anotherWorker, until, useWorld } from "./support/lab.ts";
import { serve } from "./support/node-server.ts";
import { worlds } from "./support/worlds.ts";

beforeAll(() => void vi.stubEnv("PERDURE_WORKER", "off"));

const base = "/.well-known/workflow/v1";
const isOpen = async (token: string): Promise<boolean> =>
  getHookByToken(token).then(
    () => true,
    () => false,
  );

/** A chunked request whose pieces are sent one by one; resolves with the status, also when the server does not wait for the rest. */
function sendPieces(url: string, pieces: readonly string[]): Promise<{ status: number; sent: number }> {
  return new Promise((resolve, reject) => {
    let sent = 0;
    const outgoing = httpRequest(url, { method: "POST" }, (response) => {
      resolve({ status: response.statusCode ?? 0, sent });
      response.resume();
      outgoing.destroy();
    });
    outgoing.on("error", (error) => (sent > 0 ? undefined : reject(error)));
    const next = (): void => {
      const piece = pieces[sent];
      if (piece === undefined) outgoing.end();
      else if (!outgoing.destroyed) {
        sent++;
        outgoing.write(piece, () => setImmediate(next));
      }
    };
    next();
  });
}

const echo = workflowOf(
  "h#echo",
  "async(token,count)=>{const w=createWebhook({token});const seen=[];for await(const r of w){seen.push([r.method,new URL(r.url).search,await r.text()]);if(seen.length===count)return seen}}",
);

describe.each(worlds)("webhooks on %s", (_, createWorld) => {
  test("requests of any method are delivered once each, also at once", async () => {
    await useWorld({}, createWorld());
    const url = `${await serve(createHandler())}${base}/webhook/many`;
    const run = await start(echo, ["many", 4]);
    await until(() => isOpen("many"), "the webhook");
    const answers = await Promise.all([
      fetch(`${url}?n=1`, { method: "POST", body: "one" }),
      fetch(`${url}?n=2`, { method: "PATCH", body: "two" }),
      fetch(`${url}?n=3`),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202]);
    expect((await sendPieces(`${url}?n=4`, ["fo", "ur"])).status).toBe(202);
    const seen = (await run.returnValue) as string[][];
    expect(seen.toSorted((a, b) => String(a[1]).localeCompare(String(b[1])))).toEqual([
      ["POST", "?n=1", "one"],
      ["PATCH", "?n=2", "two"],
      ["GET", "?n=3", ""],
      ["POST", "?n=4", "four"],
    ]);
    expect((await fetch(url, { method: "POST", body: "late" })).status).toBe(404);
  });

  test("a workflow's answer reaches the client although the worker crashed on the way", async () => {
    const world = createWorld();
    step(
      "h#answer",
      async (request: RequestWithResponse) => request.respondWith(new Response(await request.text(), { status: 201 })),
      "answer",
    );
    const slow = workflowOf(
      "h#slow",
      "async()=>{const w=createWebhook({token:'slow',respondWith:'manual'});const r=await w;await createHook({token:'slow-go'});await callStep('h#answer',[r])}",
    );
    const { worker } = await useWorld({}, world);
    const url = `${await serve(createHandler())}${base}/webhook/slow`;
    await start(slow, []);
    await until(() => isOpen("slow"), "the webhook");
    const asked = fetch(url, { method: "PUT", body: "hello" });
    await until(() => isOpen("slow-go"), "the second hook");
    await worker.stop();
    await anotherWorker(world);
    await resumeHook("slow-go");
    const answer = await asked;
    expect([answer.status, await answer.text()]).toEqual([201, "hello"]);
  });
});

/** The status and the code of an error. */
async function problemOf(response: Response | Promise<Response>): Promise<unknown[]> {
  const { status, headers, ...rest } = await response;
  void rest;
  expect(headers.get("content-type")).toContain("application/json");
  const { error } = (await (await response).json()) as { error: { code: string; message: string } };
  expect(typeof error.message).toBe("string");
  return [status, error.code];
}

test("a private hook does not exist over HTTP, whatever its token and metadata are", async () => {
  const hidden = workflowOf("h#hidden", "async()=>await createHook({token:'hidden',metadata:{respondWith:'manual'}})");
  await useWorld();
  const handler = createHandler();
  const run = await start(hidden, []);
  await until(() => isOpen("hidden"), "the hook");
  const send = (method: string): Promise<Response> => handler(new Request(`http://a.example${base}/webhook/hidden`, { method }));
  expect(await problemOf(send("POST"))).toEqual([404, "HOOK_NOT_FOUND"]);
  expect((await send("HEAD")).status).toBe(404);
  expect(await run.status).toBe("running");
});

test("a body that is too large is refused while it comes, whether its length was said or not", async () => {
  await useWorld();
  const url = `${await serve(createHandler({ maxBodyBytes: 1000 }))}${base}/webhook/large`;
  const run = await start(echo, ["large", 1]);
  await until(() => isOpen("large"), "the webhook");
  expect(await problemOf(fetch(url, { method: "POST", body: "x".repeat(1001) }))).toEqual([413, "BODY_TOO_LARGE"]);
  const pieces = Array.from({ length: 10_000 }, () => "y".repeat(900));
  const { status, sent } = await sendPieces(url, pieces);
  expect(status).toBe(413);
  expect(sent).toBeLessThan(pieces.length);
  expect((await fetch(url, { method: "POST", body: "z".repeat(1000) })).status).toBe(202);
  expect(await run.returnValue).toEqual([["POST", "", "z".repeat(1000)]]);
});

test("HEAD says whether there is a webhook, OPTIONS what it takes; neither is delivered", async () => {
  await useWorld();
  const handler = createHandler();
  const run = await start(echo, ["quiet", 1]);
  await until(() => isOpen("quiet"), "the webhook");
  const send = (method: string): Promise<Response> => handler(new Request(`http://a.example${base}/webhook/quiet`, { method }));
  expect((await send("HEAD")).status).toBe(200);
  const options = await send("OPTIONS");
  expect([options.status, options.headers.get("allow")]).toEqual([204, "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"]);
  await send("DELETE");
  expect(await run.returnValue).toEqual([["DELETE", "", ""]]);
});

test("a webhook that does not answer in time, or goes away, says so", async () => {
  const silent = workflowOf(
    "h#silent",
    "async()=>{const w=createWebhook({token:'silent',respondWith:'manual'});const a=await w,b=await w}",
  );
  await useWorld();
  const handler = createHandler({ replyTimeout: 1 });
  await start(silent, []);
  await until(() => isOpen("silent"), "the webhook");
  const url = `http://a.example${base}/webhook/silent`;
  expect(await problemOf(handler(new Request(url)))).toEqual([504, "TIMED_OUT"]);
  expect(await problemOf(createHandler()(new Request(url)))).toEqual([410, "HOOK_NO_REPLY"]);
});

test("a World that is away is a reason to try again; what failed is for the operator", async () => {
  const { world } = await useWorld();
  const handler = createHandler();
  const warn = vi.spyOn(process, "emitWarning").mockReturnValue();
  vi.spyOn(world.query, "hook").mockRejectedValueOnce(
    new WorldError("WORLD_UNAVAILABLE", "db.internal refused the password.", { hint: "" }),
  );
  vi.spyOn(world.query, "hook").mockRejectedValueOnce(new TypeError("secret"));
  const send = async (): Promise<Response> => handler(new Request(`http://a.example${base}/webhook/x`, { method: "POST" }));
  const away = await send();
  expect([away.status, away.headers.get("retry-after"), await away.text()]).toEqual([503, "1", expect.not.stringContaining("db.internal")]);
  const failed = await send();
  expect([failed.status, await failed.text()]).toEqual([500, expect.not.stringContaining("secret")]);
  expect(warn.mock.calls.map(([text]) => text)).toEqual([expect.stringContaining("db.internal"), expect.stringContaining("secret")]);
  warn.mockRestore();
});

test.each([
  ["GET", "/elsewhere", 404, "NOT_FOUND"],
  ["GET", base, 404, "NOT_FOUND"],
  ["GET", `${base}/webhook`, 404, "NOT_FOUND"],
  ["GET", `${base}/webhook/%ff`, 404, "NOT_FOUND"],
  ["GET", `${base}/webhook/${"x".repeat(513)}`, 404, "HOOK_NOT_FOUND"],
  ["GET", `${base}/webhook/a/b`, 404, "NOT_FOUND"],
  ["POST", `${base}/health`, 405, "METHOD_NOT_ALLOWED"],
  ["GET", `${base}/manifest`, 403, "FORBIDDEN"],
  ["GET", `${base}/runs/x/stream`, 403, "FORBIDDEN"],
])("%s %s is answered with %s %s", async (method, path, status, code) => {
  await useWorld();
  expect(await problemOf(createHandler()(new Request(`http://a.example${path}`, { method })))).toEqual([status, code]);
});

test("headers that are too large are refused", async () => {
  const handler = createHandler();
  const request = new Request(`http://a.example${base}/health`, { headers: { "x-long": "x".repeat(20_000) } });
  expect(await problemOf(handler(request))).toEqual([431, "HEADERS_TOO_LARGE"]);
});

test("health tells of the World and the worker, and does not start one", async () => {
  const { world, worker } = await useWorld();
  const handler = createHandler({ basePath: "/flows/" });
  const ask = async (): Promise<unknown[]> => {
    const response = await handler(new Request("http://a.example/flows/health"));
    return [response.status, await response.json()];
  };
  await start(echo, ["health", 1]);
  await until(() => isOpen("health"), "the webhook");
  expect(await ask()).toEqual([200, { status: "ok", world: "reachable", worker: "running", residentRuns: 1 }]);
  await worker.stop();
  expect(await ask()).toEqual([200, { status: "ok", world: "reachable", worker: "none", residentRuns: 0 }]);
  vi.spyOn(world, "now").mockRejectedValue(new Error("away"));
  expect(await ask()).toEqual([503, { status: "unavailable", world: "unreachable", worker: "none", residentRuns: 0 }]);
});

test("the application says who may see the manifest and the streams", async () => {
  await useWorld();
  const asked: Access[] = [];
  const handler = createHandler({
    authorize(request, access) {
      asked.push(access);
      if (request.headers.get("authorization") === null) return new Response("who are you?", { status: 401 });
      return access.kind === "manifest";
    },
  });
  const send = (path: string, headers: Record<string, string> = {}): Promise<Response> =>
    handler(new Request(`http://a.example${base}${path}`, { headers }));
  expect(await (await send("/manifest")).text()).toBe("who are you?");
  const shown = (await (await send("/manifest", { authorization: "me" })).json()) as { workflows: { id: string; version: string }[] };
  expect(shown.workflows.find(({ id }) => id === "h#echo")).toMatchObject({
    name: "h#echo",
    version: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
  });
  expect(await problemOf(send("/runs/a%2Fb/stream?namespace=log", { authorization: "me" }))).toEqual([403, "FORBIDDEN"]);
  expect(asked).toEqual([{ kind: "manifest" }, { kind: "manifest" }, { kind: "stream", runId: "a/b", namespace: "log" }]);
});

const writing = workflowOf(
  "h#writing",
  "async()=>{const w=getWritable().getWriter();await w.write('a');await w.write({n:1});await w.write(new Uint8Array([1,2]));await createHook({token:'write-on'});await w.write(new Map([[1,2]]));await w.write('two\\nlines');await w.close()}",
);

interface Event {
  readonly id?: string;
  readonly event?: string;
  readonly data: string;
}

/** Reads events until there are so many, or the stream ends. */
async function readEvents(response: Response, count = Number.POSITIVE_INFINITY): Promise<Event[]> {
  expect(response.headers.get("content-type")).toContain("text/event-stream");
  let text = "";
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  const found = (): Event[] =>
    text
      .split("\n\n")
      .slice(0, -1)
      .filter((part) => !part.startsWith(":"))
      .map(
        (part) =>
          Object.fromEntries(
            part.split("\n").map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trim()]),
          ) as unknown as Event,
      );
  while (found().length < count) {
    const { done, value } = (await reader?.read()) ?? { done: true, value: "" };
    if (done) break;
    text += value;
  }
  await reader?.cancel();
  return found().slice(0, count);
}

test.each(worlds)(
  "on %s a run's stream is read as events, and a client that comes again goes on behind what it had",
  async (_, createWorld) => {
    await useWorld({}, createWorld());
    const url = `${await serve(createHandler({ authorize: () => true }))}${base}/runs/writer/stream`;
    await start(writing, [], { id: "writer" });
    await until(() => isOpen("write-on"), "the hook");
    const accept = "text/event-stream";
    const first = await readEvents(await fetch(url, { headers: { accept } }), 2);
    expect(first).toEqual([
      { id: "0", data: '"a"' },
      { id: "1", data: '{"n":1}' },
    ]);
    const rest = readEvents(await fetch(url, { headers: { accept, "last-event-id": "1" } }));
    await resumeHook("write-on");
    expect(await rest).toEqual([
      { id: "2", event: "bytes", data: "AQI=" },
      { id: "3", event: "value", data: expect.stringMatching(/^p/) as string },
      { id: "4", data: '"two\\nlines"' },
      { event: "end", data: "" },
    ]);
    const last = await readEvents(await fetch(`${url}?startIndex=-1`, { headers: { accept } }));
    expect(last.map(({ id }) => id)).toEqual(["4", undefined]);
  },
);

test("a run's stream is read as bytes from any chunk on", async () => {
  const bytes = workflowOf(
    "h#bytes",
    "async()=>{const w=getWritable({namespace:'log'}).getWriter();await w.write('é');await w.write(new Uint8Array([0,255]));await w.write('z');await w.close()}",
  );
  await useWorld();
  const handler = createHandler({ authorize: () => true });
  const run = await start(bytes, []);
  await run.returnValue;
  const read = (query: string, method = "GET"): Promise<Response> =>
    handler(new Request(`http://a.example${base}/runs/${run.runId}/stream?namespace=log${query}`, { method }));
  const whole = await read("");
  expect(whole.headers.get("content-type")).toBe("application/octet-stream");
  expect(Buffer.from(await whole.arrayBuffer()).toString("hex")).toBe(`${Buffer.from("é").toString("hex")}00ff7a`);
  expect(Buffer.from(await (await read("&startIndex=1")).arrayBuffer()).toString("hex")).toBe("00ff7a");
  const head = await read("", "HEAD");
  expect([head.status, head.body]).toEqual([200, null]);
  expect(await problemOf(read("&startIndex=one"))).toEqual([400, "BAD_REQUEST"]);
  expect(await problemOf(handler(new Request(`http://a.example${base}/runs/${run.runId}/stream?namespace=`)))).toEqual([
    400,
    "BAD_REQUEST",
  ]);
  expect(await problemOf(handler(new Request(`http://a.example${base}/runs/nobody/stream`)))).toEqual([404, "RUN_NOT_FOUND"]);
  expect(await getRun(run.runId).status).toBe("completed");
});

test("a chunk that has no bytes, or an error of the writer, breaks a stream off and says no more", async () => {
  const odd = workflowOf("h#odd", "async()=>{await createHook()}");
  const { world } = await useWorld();
  const handler = createHandler({ authorize: () => true });
  const { runId } = await start(odd, []);
  async function* chunks() {
    yield { n: 1 };
    throw new Error("secret");
  }
  await copyInto(world, { runId, name: "default" }, ReadableStream.from(chunks()));
  const url = `http://a.example${base}/runs/${runId}/stream`;
  await expect((await handler(new Request(url))).text()).rejects.toThrow("neither bytes nor text");
  const events = await readEvents(await handler(new Request(url, { headers: { accept: "text/event-stream" } })));
  expect(events).toEqual([
    { id: "0", data: '{"n":1}' },
    { event: "failed", data: "" },
  ]);
});

test.each([{ basePath: "flows" }, { basePath: "/a b" }, { maxBodyBytes: 1.5 }, { replyTimeout: "soon" }, { authorize: true as never }])(
  "the option %o is refused",
  (options) => {
    expect(() => createHandler(options)).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
  },
);
