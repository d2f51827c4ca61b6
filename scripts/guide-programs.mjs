// The programs of examples/guide, what they print, and the pages in docs that show them.
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "./run.mjs";

const folder = `${root}examples/guide`;

/** The names of the programs, without `.ts`. */
export const programs = readdirSync(folder)
  .filter((name) => name.endsWith(".ts"))
  .map((name) => name.slice(0, -3));

/** Where what a program must print is kept, as a path from the root. */
export const outputPath = (program) => `examples/guide/${program}.out`;

/**
 * Runs a program as a user would: Node, the loader, the built packages, an empty World in a file.
 * Resolves with its exit status and what it printed; it is killed after `timeoutMs`.
 */
export function runProgram(program, timeoutMs = 60_000) {
  const temporary = mkdtempSync(join(tmpdir(), "perdure-guide-"));
  // What a test runner says to its own processes must not reach the program.
  const { NODE_OPTIONS: _options, VITEST: _vitest, ...env } = process.env;
  const child = spawn(process.execPath, ["--import", "@perdure/compiler/register", `${program}.ts`], {
    cwd: folder,
    env: { ...env, NO_COLOR: "1", FORCE_COLOR: "0", PERDURE_WORLD: `sqlite:${join(temporary, "world.db")}` },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: timeoutMs,
    killSignal: "SIGKILL",
  });
  const printed = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"]) child[name].setEncoding("utf8").on("data", (text) => (printed[name] += text));
  return new Promise((resolve) => {
    child.on("close", (status) => {
      rmSync(temporary, { recursive: true, force: true });
      resolve({ status, ...printed });
    });
  });
}

const fence = /^(```\w+ file=(\S+)\n).*?^```$/gms;

/** A page with each fence that names a file, such as "```ts file=examples/guide/steps.ts", filled with that file. */
export const withShownFiles = (page) =>
  page.replace(fence, (_, opening, path) => `${opening}${readFileSync(`${root}${path}`, "utf8").trimEnd()}\n\`\`\``);

/** The files that a page shows, as paths from the root. */
export const shownFiles = (page) => [...page.matchAll(fence)].map(([, , path]) => path);
