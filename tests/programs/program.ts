/** Small programs, run as users run them: in a folder of their own, with the Node loader, in another process. */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { root } from "../repository.ts";

export interface Program {
  readonly folder: string;
  /** Starts it. `env` is added to the environment. */
  start(env?: Readonly<Record<string, string>>): Running;
  /** Starts `perdure` with these arguments in its folder. */
  command(args: readonly string[], env?: Readonly<Record<string, string>>): Running;
}

export interface Running {
  readonly pid: number;
  /** What it has printed so far. */
  output(): string;
  /** Waits for the end. `signal`: the one that ended it. */
  ended(): Promise<{ readonly status: number | null; readonly signal?: NodeJS.Signals; readonly output: string }>;
  kill(): void;
}

/** Writes `app.ts` into a package named `app`. Gone, like its processes, when the test is over. */
export function program(code: string): Program {
  const folder = mkdtempSync(join(tmpdir(), "perdure-program-"));
  const running: Running[] = [];
  onTestFinished(async () => {
    for (const one of running) one.kill();
    await Promise.all(running.map((one) => one.ended()));
    rmSync(folder, { recursive: true, force: true });
  });
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(join(root, "node_modules/@perdure"), join(folder, "node_modules/@perdure"));
  symlinkSync(join(root, "packages/perdure"), join(folder, "node_modules/perdure"));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "app", type: "module" }));
  writeFileSync(join(folder, "app.ts"), code);
  const started = (one: Running): Running => {
    running.push(one);
    return one;
  };
  return {
    folder,
    start: (env = {}) => started(run(folder, ["--import", "@perdure/compiler/register", "app.ts"], env)),
    command: (args, env = {}) => started(run(folder, [join(root, "packages/cli/dist/bin.js"), ...args], env)),
  };
}

function run(folder: string, args: readonly string[], env: Readonly<Record<string, string>>): Running {
  const child = spawn(process.execPath, args, {
    cwd: folder,
    env: { ...process.env, NODE_OPTIONS: "", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const end = new Promise<{ status: number | null; signal?: NodeJS.Signals; output: string }>((resolve) =>
    child.on("close", (status, signal) => resolve({ status, ...(signal && { signal }), output })),
  );
  return { pid: child.pid ?? 0, output: () => output, ended: () => end, kill: () => void child.kill("SIGKILL") };
}
