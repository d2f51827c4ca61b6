import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { program } from "./program.ts";

const timeout = 60_000;

const hello = `import { start } from "perdure/api";
export async function hello(name: string) { "use workflow"; return "hello " + name; }
console.log(await (await start(hello, ["you"])).returnValue);
`;

test("a workflow that is called like a function says how to start it", { timeout }, async () => {
  const app = program(`export async function hello(name: string) { "use workflow"; return name; }\nawait hello("you");\n`);
  const { status, output } = await app.start().ended();
  expect(status).toBe(1);
  expect(output).toContain("WORKFLOW_CALLED_DIRECTLY");
  expect(output).toContain("const run = await start(workflow, [args])");
  expect(output).toMatch(/app\.ts:2:7/);
});

test("a World that nobody knows says what to do", { timeout }, async () => {
  const { status, output } = await program(hello).start({ PERDURE_WORLD: "redis://user:secret@localhost" }).ended();
  expect(status).toBe(1);
  expect(output).toContain("WORLD_UNKNOWN_SCHEME");
  expect(output).toContain("Use `sqlite:");
  expect(output).not.toContain("secret");
});

test("a file that is not a database is refused and left as it was", { timeout }, async () => {
  const app = program(hello);
  const file = join(app.folder, "world.db");
  writeFileSync(file, "precious notes that are no database");
  const { status, output } = await app.start({ PERDURE_WORLD: "sqlite:./world.db" }).ended();
  expect(status).toBe(1);
  expect(output).toContain("WORLD_CORRUPT");
  expect(readFileSync(file, "utf8")).toBe("precious notes that are no database");
});

test("what cannot be stored is named by its path, before a run exists", { timeout }, async () => {
  const app = program(`import { start } from "perdure/api";
import { getWorld } from "perdure/runtime";
export async function hello(options: unknown) { "use workflow"; return options; }
const error: any = await start(hello, [{ callback: () => 1 }]).catch((reason) => reason);
console.log(error.code, error.path, (await (await getWorld()).query.runs()).runs.length);
`);
  expect(await app.start().ended()).toEqual({ status: 0, output: "SERIALIZATION_FAILED args[0].callback 0\n" });
});

test("an error in workflow code points at its line in the source", { timeout }, async () => {
  const app = program(`import { start } from "perdure/api";
async function step() { "use step"; }
export async function failing() {
  "use workflow";
  await step();
  throw new TypeError("out of stock");
}
const error: any = await (await start(failing, [])).returnValue.catch((reason) => reason);
console.log(error.cause.stack);
`);
  expect(await app.start().ended()).toEqual({ status: 0, output: "TypeError: out of stock\n    at failing (app.ts:6:9)\n" });
});

test("a workflow that never yields is stopped, and the others go on", { timeout }, async () => {
  const app = program(`import { sleep } from "perdure";
import { start } from "perdure/api";
async function step(n: number) { "use step"; return n; }
export async function endless() { "use workflow"; await step(1); for (;;); }
export async function patient() { "use workflow"; let sum = 0; for (let i = 0; i < 10; i++) { sum += await step(i); await sleep(50); } return sum; }
const runs = [await start(endless, []), await start(patient, [])];
const [first, second] = await Promise.allSettled(runs.map((run) => run.returnValue)) as any[];
console.log(first.reason.cause.code, second.value);
`);
  expect(await app.start().ended()).toEqual({ status: 0, output: "WATCHDOG_TIMEOUT 45\n" });
});

test("a rejection that nobody handles, outside of workflows, ends the process as ever", { timeout }, async () => {
  const app = program(`import { start } from "perdure/api";
export async function hello() { "use workflow"; return "hello"; }
console.log(await (await start(hello, [])).returnValue);
Promise.reject(new Error("forgotten"));
setTimeout(() => console.log("still here"), 1000);
`);
  const { status, output } = await app.start().ended();
  expect(status).toBe(1);
  expect(output).toContain("Error: forgotten\n    at <anonymous> (");
  expect(output).not.toContain("still here");
  const lenient = await app.start({ NODE_OPTIONS: "--unhandled-rejections=warn" }).ended();
  expect(lenient.status).toBe(0);
  expect(lenient.output).toContain("still here");
});
