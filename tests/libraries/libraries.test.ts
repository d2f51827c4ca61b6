import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundleWorkflows } from "@perdure/compiler/bundle";
import { createMemoryWorld } from "@perdure/world/memory";
import { start } from "perdure/api";
import { step, workflow } from "perdure/internal";
import { setWorld } from "perdure/runtime";
import { type RunningWorker, startWorker } from "perdure/worker";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { forgetfulWorld } from "../fixtures-run/forgetful-world.ts";
import { root } from "../repository.ts";
import { type LibraryProgram, programs } from "./programs.ts";

type Fn = (...args: unknown[]) => Promise<unknown>;

const folder = realpathSync(mkdtempSync(join(tmpdir(), "perdure-libraries-")));
mkdirSync(join(folder, "src"));
writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "libraries", type: "module" }));
symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ways: readonly [way: string, shared: readonly string[]][] = [
  ["shared by runs", []],
  ["evaluated for each run", ["zod", "valibot", "lodash", "date-fns", "ai", "@ai-sdk/*"].map((name) => `!${name}`)],
];

describe.each(ways)("packages %s", (way, shared) => {
  let worker: RunningWorker;
  beforeAll(async () => {
    // Every turn begins with a replay of all turns before it.
    await setWorld(forgetfulWorld(createMemoryWorld()));
    worker = await startWorker({ graceMs: 0 });
  });
  afterAll(() => worker.stop());

  test.each(Object.entries(programs))("%s gives each of two runs at once its own results", { timeout: 120_000 }, async (name, program) => {
    const { code, main } = await build(name, program, shared);
    expect(code.startsWith("/*perdure:2 ")).toBe(shared.length === 0 && program.isStateful !== true);
    const runs = await Promise.all(["a", "b"].map((runName) => start(main, [runName])));
    const results = await Promise.all(runs.map(({ returnValue }) => returnValue));
    expect(results, way).toEqual(["a", "b"].map((runName) => [0, 1, 2].map((turn) => program.result(runName, turn))));
  });

  test("an error's stack leads into the package and to the workflow", { timeout: 120_000 }, async () => {
    const program = { top: `import _ from "lodash";`, body: `() => _.memoize(1)` };
    const { main } = await build("stack", program, shared);
    const { returnValue } = await start(main, []);
    const error = (await returnValue.catch((reason: unknown) => reason)) as { cause: Error };
    expect(error.cause.message).toBe("Expected a function");
    expect(error.cause.stack).toMatch(/memoize \(\S*node_modules\/lodash\/lodash\.js:\d+:\d+\)\n {4}at body \(src\/stack\.js:2:22\)/);
  });
});

/** Compiles a program as an application's build does, and registers it. */
async function build(
  name: string,
  { top, body }: Pick<LibraryProgram, "top" | "body">,
  shared: readonly string[],
): Promise<{ code: string; main: Fn }> {
  const file = join(folder, "src", `${name.replaceAll(/\W+/g, "-")}.js`);
  writeFileSync(
    file,
    `${top}
const body = ${body};
async function pause(turn) { "use step"; return turn; }
export async function main(name) {
  "use workflow";
  const out = [];
  for (let turn = 0; turn < 3; turn++) {
    out.push(await body(name, turn));
    await pause(turn);
  }
  return out;
}
`,
  );
  const { bundles, manifest } = await bundleWorkflows(file, { shared, conditions: ["@perdure/source"] });
  for (const { id } of manifest.steps) step(id, id.endsWith("#generate") ? generate(top) : async (turn: unknown) => turn, id);
  const [[id, bundle] = ["", undefined]] = Object.entries(bundles);
  const called: Fn = () => Promise.reject(new Error("called"));
  return { code: bundle?.code ?? "", main: workflow(id, called, "main", bundle) as Fn };
}

/** The step of the program with a model, as it is written there. */
function generate(top: string): Fn {
  const text = top.slice(top.indexOf("async function generate"));
  // eslint-disable-next-line no-eval
  return (0, eval)(`(${text})`) as Fn;
}
