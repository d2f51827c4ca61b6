import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { resumeHook, start, startMany } from "../src/api/index.ts";
import { heartbeat } from "../src/index.ts";
import { step } from "../src/internal.ts";
import { workflowOf } from "./support/bundle.ts";
import { anotherWorker, until, useWorld } from "./support/lab.ts";
import { worlds } from "./support/worlds.ts";

const limit = 2000;
beforeEach(() => void vi.stubEnv("PERDURE_MAX_VALUE_BYTES", String(limit)));
afterEach(() => void vi.unstubAllEnvs());

/** Text of so many bytes, as JSON and with what is around it: `["…"]` takes six. */
const filling = "const fill=(n,around)=>'é'.repeat((n-around)/2|0)+'x'.repeat((n-around)%2);";
const fill = (bytes: number, around: number): string => "é".repeat(Math.floor((bytes - around) / 2)) + "x".repeat((bytes - around) % 2);

let attempts = 0;
step("l#echo", async (text: string) => (attempts++, text), "echo");
step("l#make", async (bytes: number) => (attempts++, fill(bytes, 3)), "make");
step("l#report", async (bytes: number) => heartbeat(fill(bytes, 3)), "report");

let count = 0;
const flow = <A extends unknown[], R = unknown>(body: string): ((...args: A) => Promise<R>) =>
  workflowOf<A, R>(`l#flow${++count}`, `async(...args)=>{${filling}const show=e=>[e.code,e.path,e.size,e.limit,e.message];${body}}`);
/** What came of values of exactly the limit, and of one byte more. */
const caught = async (call: string, id: string): Promise<unknown[]> => {
  const body = `const seen=[];for(const n of [${limit},${limit + 1}])try{seen.push(typeof (await (async()=>{${call}})()))}catch(e){seen.push(show(e))}return seen`;
  return (await start(flow<[], unknown[]>(body), [], { id })).returnValue;
};
const tooLarge = (path: string, of: string): unknown => [
  "VALUE_TOO_LARGE",
  path,
  limit + 1,
  limit,
  expect.stringContaining(`\`${path}\` of ${of} takes ${limit + 1} bytes as stored, more than the ${limit} that are allowed.`),
];

describe.each(worlds)("on %s", (_, create) => {
  test("a step's argument is refused at the call, and nothing of it is asked for", async () => {
    const { world } = await useWorld({}, create());
    attempts = 0;
    expect(await caught("return callStep('l#echo',[fill(n,5)])", "args")).toEqual([
      "string",
      tooLarge("args[0]", 'the step "l#echo" in run "args"'),
    ]);
    expect(attempts).toBe(1);
    const run = await world.query.run({ key: "args" });
    expect((await world.load(run?.id ?? "")).rows).toHaveLength(2);
  });

  test("a step's result fails the step without another attempt, and the run may go on", async () => {
    await useWorld({}, create());
    attempts = 0;
    expect(await caught("return callStep('l#make',[n])", "results")).toEqual([
      "string",
      tooLarge("result", 'the step "l#make" of run "results"'),
    ]);
    expect(attempts).toBe(2);
  });

  test("a published value, a hook's metadata and a report of progress are refused where they are given", async () => {
    await useWorld({}, create());
    expect(await caught("publish('at',fill(n,3))", "publishing")).toEqual([
      "undefined",
      tooLarge("value", '"at", published by run "publishing"'),
    ]);
    expect(await caught("createHook({metadata:fill(n,3)}).dispose()", "hooked")).toEqual([
      "undefined",
      tooLarge("metadata", 'a hook of run "hooked"'),
    ]);
    expect(await caught("return callStep('l#report',[n])", "reporting")).toEqual([
      "undefined",
      tooLarge("progress", 'the step "l#report" of run "reporting"'),
    ]);
  });

  test("a workflow's arguments are refused before anything is written, its result fails the run", async () => {
    const { world } = await useWorld({}, create());
    const echo = flow<[string | number], unknown>("return typeof args[0]==='number'?fill(args[0],3):args[0].length");
    const failed = start(echo, [fill(limit + 1, 5)], { id: "started" });
    await expect(failed).rejects.toMatchObject({ code: "VALUE_TOO_LARGE", path: "args[0]", size: limit + 1, limit });
    await expect(failed).rejects.toThrow('of the workflow "l#flow');
    await expect(failed).rejects.toThrow('for run "started" takes 2001 bytes');
    await expect(startMany([[echo, [1]], [echo, [fill(limit + 1, 5)]]])).rejects.toMatchObject({ code: "VALUE_TOO_LARGE" }); // prettier-ignore
    expect((await world.query.runs()).runs).toEqual([]);
    expect(typeof (await (await start(echo, [fill(limit, 5)])).returnValue)).toBe("number");
    expect(typeof (await (await start(echo, [limit])).returnValue)).toBe("string");
    await expect((await start(echo, [limit + 1], { id: "returning" })).returnValue).rejects.toMatchObject({
      cause: { code: "VALUE_TOO_LARGE", path: "result", message: expect.stringContaining('of run "returning" takes') },
    });
  });

  test("a hook's payload is refused where it is sent, and the hook stays open", async () => {
    const { world } = await useWorld({}, create());
    const run = await start(flow<[], number>("return (await createHook({token:'l-hook'})).length"), []);
    await until(async () => (await world.query.hook("l-hook")) !== null, "the hook");
    await expect(resumeHook("l-hook", fill(limit + 1, 3))).rejects.toMatchObject({
      code: "VALUE_TOO_LARGE",
      message: expect.stringContaining('`payload` of the hook "l-hook" takes 2001 bytes'),
    });
    const sent = fill(limit, 3);
    await resumeHook("l-hook", sent);
    expect(await run.returnValue).toBe(sent.length);
  });

  test("a run keeps the limit with which it was started: on another worker, and for the runs that it starts", async () => {
    const { world, worker } = await useWorld({}, create());
    const child = flow<[number], unknown>("try{return typeof await callStep('l#make',[args[0]])}catch(e){return e.limit}");
    const run = await start(
      flow<[unknown, number], unknown>(
        "let first;try{await callStep('l#echo',[fill(args[1],5)])}catch(e){first=e.limit}await createHook({token:'l-kept'});" +
          "let second;try{await callStep('l#echo',[fill(args[1],5)])}catch(e){second=e.limit}return [first,second,await __perdure.start(args[0],[args[1]]).then(run=>run.returnValue)]",
      ),
      [child, limit + 1],
    );
    await until(async () => (await world.query.hook("l-kept")) !== null, "the hook");
    vi.unstubAllEnvs();
    await worker.stop();
    await anotherWorker(world);
    await resumeHook("l-kept");
    expect(await run.returnValue).toEqual([limit, limit, limit]);
  });
});

test("an error that is too large is replaced by one that says so", async () => {
  await useWorld();
  step("l#fatal", Object.assign(async () => { throw new Error("x".repeat(limit)); }, { maxRetries: 0 }), "fatal"); // prettier-ignore
  const run = await start(flow<[], string>("try{await callStep('l#fatal',[])}catch(e){return e.message}"), []);
  expect(await run.returnValue).toContain("too large");
});

test.each(["", "8MB", "1023", "-1", "1e9", "268435457"])("PERDURE_MAX_VALUE_BYTES=%s is INVALID_CONFIGURATION", async (value) => {
  await useWorld();
  vi.stubEnv("PERDURE_MAX_VALUE_BYTES", value);
  await expect(start(flow(""), [])).rejects.toMatchObject({ code: "INVALID_CONFIGURATION" });
});
