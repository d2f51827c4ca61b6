/** `options.upgrade`: which open runs go on with newer code, and which keep their own. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { World } from "@perdure/world";
import { createSqliteWorld } from "@perdure/world-sqlite";
import { beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";

import { getRun, resumeHook, start, type WorkflowFunction } from "../src/api/index.ts";
import { step } from "../src/internal.ts";
import { setWorld } from "../src/runtime.ts";
import { startWorker } from "../src/worker/index.ts";
import type { WorkflowOptions } from "../src/workflow-options.ts";
import { bundleOf, workflowOf } from "./support/bundle.ts";
import { anotherWorker, until } from "./support/lab.ts";

const did: string[] = [];
step("u#act", async (what: string) => (did.push(what), what), "act");
step("u#other", async (what: string) => (did.push(what), what), "other");
let isBroken = true;
step(
  "u#broken",
  async (what: string) => {
    if (isBroken) throw new Error("broken");
    return what;
  },
  "broken",
);

let world: World;
const workers: { stop(): Promise<void> }[] = [];
beforeEach(async () => {
  // Only the workers of a test work.
  vi.stubEnv("PERDURE_WORKER", "off");
  did.length = 0;
  isBroken = true;
  const folder = mkdtempSync(join(tmpdir(), "perdure-upgrades-"));
  world = createSqliteWorld({ path: join(folder, "world.db") });
  await setWorld(world);
  onTestFinished(async () => {
    vi.unstubAllEnvs();
    for (const worker of workers.splice(0)) await worker.stop();
    await world.close();
    rmSync(folder, { recursive: true, force: true });
  });
});

type Sample = WorkflowFunction<[string], unknown>;

/** The code that processes have from now on. */
function deploy(body: string, options?: WorkflowOptions): Sample {
  const workflow = workflowOf<[string]>("u#flow", body);
  if (options) Object.assign(workflow, { options });
  return workflow;
}

/** A process that starts a run, works until it waits, and ends. */
async function begin(workflow: Sample, name: string): Promise<void> {
  const worker = await startWorker({ graceMs: 0 });
  const run = await start(workflow, [name], { id: name });
  await until(async () => {
    const [wait] = await run.waits;
    return wait !== undefined && (wait.kind !== "step" || (wait.attempt ?? 1) > 1);
  }, "that it waits");
  await worker.stop();
}

/** A process with the code of now. */
const work = async (): Promise<unknown> => workers.push(await anotherWorker(world, { idleMs: 0 }));
const versionOf = async (id: string): Promise<string> => (await world.query.run({ key: id }))!.version;

const before = `async(name)=>{const a=await callStep("u#act",["first "+name]);const b=await createHook({token:name});return [a,b,"old"]}`;
const longer = `async(name)=>{const a=await callStep("u#act",["first "+name]);const b=await createHook({token:name});return [a,b,await callStep("u#other",["last"])]}`;

const compatible = { upgrade: "compatible" } as const;

/** Runs that have begun with one code, and processes with another. */
const deployed = async (first: string, second: string, options?: WorkflowOptions): Promise<string> => {
  await begin(deploy(first), "run");
  deploy(second, options);
  await work();
  return bundleOf(second).version;
};

describe("compatible", () => {
  test("a run goes on with newer code that has done the same so far, and nothing is done twice", async () => {
    const version = await deployed(before, longer, compatible);
    await resumeHook("run", "told");
    expect(await getRun("run").returnValue).toEqual(["first run", "told", "last"]);
    expect([await versionOf("run"), did]).toEqual([version, ["first run", "last"]]);
  });

  test("it is pinned by default", async () => {
    await deployed(before, longer);
    await resumeHook("run", "told");
    expect(await getRun("run").returnValue).toEqual(["first run", "told", "old"]);
    expect([await versionOf("run"), did]).toEqual([bundleOf(before).version, ["first run"]]);
  });

  test.each([
    ["calls another step", longer.replace("u#act", "u#other")],
    ["ends earlier", "async()=>1"],
    ["waits for another token", longer.replace("token:name", 'token:"other "+name')],
    ["throws", longer.replace("const b", "null.x;const b")],
    ["runs for ever", longer.replace("const b", "for(;;);const b")],
    ["cannot be evaluated", "("],
    ["does more at once", longer.replace("const b", 'void callStep("u#other",["more"]);const b')],
  ])("a run keeps its code where the newer one %s, and goes on", { timeout: 60_000 }, async (_, after) => {
    await deployed(before, after, compatible);
    await resumeHook("run", "told");
    expect(await getRun("run").returnValue).toEqual(["first run", "told", "old"]);
    expect([await versionOf("run"), did]).toEqual([bundleOf(before).version, ["first run"]]);
  });

  test.each([
    ["with another input", `async(name)=>[await callStep("u#broken",["new "+name])]`, "old run"],
    ["with the same", `async(name)=>[await callStep("u#broken",["old "+name]),"new"]`, "new"],
  ])("a step that is to be tried again %s", { timeout: 60_000 }, async (_, after, last) => {
    await deployed(`async(name)=>[await callStep("u#broken",["old "+name])]`, after, compatible);
    isBroken = false;
    expect(((await getRun("run").returnValue) as string[]).at(-1)).toBe(last);
  });

  test("an older process does not take a run back, and loads the newer code", async () => {
    await begin(deploy(before), "one");
    await begin(deploy(longer, compatible), "two");
    // A rolling deploy, or one that was taken back: the old code, with the option.
    deploy(before, compatible);
    await work();
    for (const token of ["one", "two"]) await resumeHook(token, "told");
    expect(await getRun("two").returnValue).toEqual(["first two", "told", "last"]);
    expect(await versionOf("two")).toBe(bundleOf(longer).version);
  });

  test("a run that nobody has begun begins with the newer code", async () => {
    const run = await start(deploy(before), ["run"], { id: "run" });
    deploy(longer, compatible);
    await work();
    await until(async () => (await run.waits).some(({ kind }) => kind === "hook"), "the hook");
    await resumeHook("run", "told");
    expect(await run.returnValue).toEqual(["first run", "told", "last"]);
  });

  test("code that stops with each history is not tried for ever", { timeout: 60_000 }, async () => {
    const names = ["1", "2", "3", "4", "5"];
    for (const name of names) await begin(deploy(before), name);
    deploy(longer.replace("const b", "for(;;);const b"), compatible);
    const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    await work();
    for (const name of names) await resumeHook(name, "told");
    for (const name of names) expect(await getRun(name).returnValue).toEqual([`first ${name}`, "told", "old"]);
    const told = warn.mock.calls.map(([text]) => String(text)).filter((text) => text.includes("keeps its code"));
    warn.mockRestore();
    expect(told).toHaveLength(3);
    expect(told[2]).toContain("No other run of this process is tried on it.");
  });

  test("options that nobody knows are refused when a run is started, and change nothing where one is taken over", async () => {
    await begin(deploy(before), "run");
    const workflow = deploy(longer, { upgrade: "always" as "pinned" });
    await expect(start(workflow, ["x"])).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringContaining('u#flow.options.upgrade is "always"; it must be "pinned" or "compatible".') as string,
    });
    await expect(start(deploy(longer, { upgrad: "pinned" } as object), ["x"])).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    await work();
    await resumeHook("run", "told");
    expect(await getRun("run").returnValue).toEqual(["first run", "told", "old"]);
  });
});
