import fc from "fast-check";
import { afterEach, expect, test, vi } from "vitest";

import { start } from "../src/api/index.ts";
import { sleep } from "../src/index.ts";
import { step, workflow } from "../src/internal.ts";
import { callStep, inPlace, stepExport } from "../src/sandbox/module-graph/index.ts";
import { anotherWorker, until, useWorld } from "./support/lab.ts";
import { programs } from "./support/programs.ts";
import { chooser, runReplay, runResident } from "./support/simulation.ts";

afterEach(() => vi.useRealTimers());

/** Registers a workflow whose code is a function of this file. */
function here<A extends unknown[], R>(id: string, fn: (...args: A) => Promise<R>): (...args: A) => Promise<R> {
  const code = inPlace(async () => fn as (...args: unknown[]) => unknown);
  return workflow(id, async (..._args: A): Promise<R> => Promise.reject(new Error("called")), id, code);
}

test("a program has the same history in the module graph as in the sandbox, and replays there", { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(programs, fc.nat(), async (program, seed) => {
      const [sandbox, modules] = [
        await runResident(program, chooser(seed), 1, "sandbox"),
        await runResident(program, chooser(seed), 1, "module graph"),
      ];
      // Payloads hold stacks of the driver's errors.
      const story = ({ rows }: typeof sandbox) => rows.map(({ event, asks }) => ({ event, asks }));
      expect(story(modules)).toEqual(story(sandbox));
      expect(modules.snapshots.at(-1)?.outcome).toEqual(sandbox.snapshots.at(-1)?.outcome);
      expect(await runReplay(program, modules.rows, "module graph")).toEqual(modules.snapshots.at(-1));
      expect(await runReplay(program, modules.rows, "sandbox")).toEqual(sandbox.snapshots.at(-1));
    }),
    { numRuns: 30 },
  );
});

test("time and chance are the run's in workflow code and the process's around it, also under fake timers", async () => {
  vi.useFakeTimers({ now: 1_700_000_000_000, toFake: ["Date", "performance", "setTimeout", "clearTimeout"] });
  await useWorld();
  const read = () => [Date.now(), new Date().getTime(), performance.now(), Math.random(), crypto.randomUUID()] as const;
  const seen: (readonly unknown[])[] = [];
  const code = here("m#time", async () => {
    const first = read();
    await Promise.resolve();
    vi.setSystemTime(1_900_000_000_000);
    seen.push(first, read());
    return first;
  });
  await (
    await start(code, [])
  ).returnValue;
  expect(seen[0]?.slice(0, 3)).toEqual([1_700_000_000_000, 1_700_000_000_000, 0]);
  expect(seen[1]?.slice(0, 3)).toEqual([1_700_000_000_000, 1_700_000_000_000, 0]);
  expect(seen[1]?.slice(3)).not.toEqual(seen[0]?.slice(3));
  expect(Date.now()).toBe(1_900_000_000_000);
});

test("workflow code that runs between events is stopped with a reason", async () => {
  await useWorld();
  const stray = here("m#stray", async () => {
    await new Promise<void>((resolve) => process.nextTick(() => void later().then(resolve)));
    await sleep(1);
  });
  const later = async () => {
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => immediate(resolve));
  };
  await expect((await start(stray, [])).returnValue).rejects.toMatchObject({ cause: { code: "NOT_AVAILABLE_IN_WORKFLOW" } });
});

const immediate = setImmediate;

test("a run in the module graph goes on from its history in another worker of the process", async () => {
  step("m#add", async (a: number, b: number) => a + b, "add");
  const code = here("m#resumed", async () => {
    const first = await callStep("m#add", [1, 2]);
    await sleep(50);
    return [first, await callStep("m#add", [3, 4]), Math.random()];
  });
  const { world, worker } = await useWorld();
  const run = await start(code, []);
  await until(async () => (await run.note)?.includes("sleep") ?? false, "the sleep");
  await worker.stop();
  await anotherWorker(world);
  expect(await run.returnValue).toEqual([3, 7, expect.any(Number)]);
});

test("a module of the workflow that cannot be imported fails the run", async () => {
  await useWorld();
  const code = inPlace(() => Promise.reject(new SyntaxError("broken")));
  const broken = workflow("m#broken", async (): Promise<void> => Promise.reject(new Error("called")), "broken", code);
  await expect((await start(broken, [])).returnValue).rejects.toMatchObject({ cause: { name: "SyntaxError", message: "broken" } });
});

test("a step stands for what its module exports at the moment of the attempt, and keeps its number of retries", async () => {
  const own = Object.assign(async (): Promise<string> => "own", { maxRetries: 0 });
  step("m#exported", own, "exported");
  const exports: Record<string, unknown> = { exported: own };
  const exported = stepExport("m#exported", { file: "/app/steps.ts", name: "exported", read: () => exports["exported"] });
  await useWorld();
  const code = here("m#calls", async () => exported());
  expect(await exported()).toBe("own");
  expect(await (await start(code, [])).returnValue).toBe("own");
  const mock = vi.fn(async (): Promise<string> => Promise.reject(new Error("mocked")));
  exports["exported"] = mock;
  await expect((await start(code, [])).returnValue).rejects.toMatchObject({ cause: { message: "mocked" } });
  expect(mock).toHaveBeenCalledOnce();
  delete exports["exported"];
  await expect((await start(code, [])).returnValue).rejects.toMatchObject({
    cause: { code: "INVALID_ARGUMENT", message: expect.stringContaining('the export "exported" of /app/steps.ts is undefined') },
  });
});
