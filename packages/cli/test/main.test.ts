import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { run } from "./run.ts";

const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as { version: string };

test("--version prints the version", async () => {
  expect(await run({}, "--version")).toEqual({ status: 0, out: `${version}\n`, err: "" });
});

test("--help lists the commands, and a command's options", async () => {
  const program = await run({}, "--help");
  expect(program).toMatchObject({ status: 0, err: "" });
  expect(program.out).toMatch(/^Usage: perdure \[options\] \[command\]/);
  expect(program.out).toContain("transform [options] <file>");
  const command = await run({}, "transform", "--help");
  expect(command).toMatchObject({ status: 0, err: "" });
  expect(command.out).toMatch(/^Usage: perdure transform \[options\] <file>/);
  for (const option of ["--target <target>", "--manifest", "--json", "--help"]) expect(command.out).toContain(option);
});

test("without a command it prints help and fails", async () => {
  const { status, out, err } = await run({});
  expect([status, out]).toEqual([2, ""]);
  expect(err).toContain("Usage: perdure");
});

test.each([
  [["transfrom", "app.ts"], "Unknown command 'transfrom'", "Did you mean transform?"],
  [["transform"], "Missing required argument 'file'", 'Run "perdure transform --help" for help.'],
  [["transform", "a.ts", "b.ts"], "Too many arguments", 'Run "perdure transform --help" for help.'],
  [["transform", "app.ts", "--jsn"], "Unknown option '--jsn'", "Did you mean --json?"],
  [["transform", "app.ts", "--target", "browser"], "argument 'browser' is invalid", "Allowed choices are host, workflow."],
  [["worker"], "Required option '--entry <file>' not specified", 'Run "perdure worker --help" for help.'],
  [["worker", "--entry", "nowhere.js"], "ENTRY_NOT_FOUND: There is no file nowhere.js", "--entry dist/worker.js"],
  [["worker", "--entry", "."], "ENTRY_NOT_FOUND", "is not a file"],
  [["worker", "--entry", "a.js", "--processes", "0"], "argument '0' is invalid", "It must be a whole number from 1 to 1024, or auto."],
  [["worker", "--entry", "a.js", "--processes", "two"], "argument 'two' is invalid", "or auto."],
  [["worker", "--entry", "a.js", "--grace", "25"], "argument '25' is invalid", "It must be a duration such as 500ms, 25s or 2m."],
])("%j is refused with a reason and a hint, and status 2", async (args, reason, hint) => {
  const { status, out, err } = await run({}, ...args);
  expect([status, out]).toEqual([2, ""]);
  expect(err).toContain(reason);
  expect(err).toContain(hint);
});
