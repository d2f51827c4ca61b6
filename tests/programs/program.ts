/** Small programs, run as users run them: in a folder of their own, in another process, with the Node loader or built. */
import perdure from "@perdure/compiler/esbuild";
import { build } from "esbuild";
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { root } from "../repository.ts";

export interface Program {
  readonly folder: string;
  /** Puts other code in its place, for the processes that start from now on. */
  replace(code: string): Promise<void>;
  /** Starts it. `env` is added to the environment. */
  start(env?: Readonly<Record<string, string>>): Running;
  /** Starts `perdure` with these arguments in its folder. */
  command(args: readonly string[], env?: Readonly<Record<string, string>>): Running;
}

export interface Running {
  readonly pid: number;
  /** What it has printed so far. */
  output(): string;
  /** Waits until it has printed something. Rejects when it ends without, or has not after a minute. */
  printed(text: string | RegExp): Promise<RegExpExecArray>;
  /** Waits for the end. `signal`: the one that ended it. */
  ended(): Promise<{ readonly status: number | null; readonly signal?: NodeJS.Signals; readonly output: string }>;
  /** Ends it and all that it has started. */
  kill(): void;
}

/** Writes `app.ts` into a package named `app`, which its processes load with the Node loader. Gone, like its processes, when the test is over. @param onFinished of another time than the test's */
export function program(code: string, onFinished = onTestFinished): Program {
  return programIn(code, ["--import", "@perdure/compiler/register", "app.ts"], onFinished);
}

/** The same, built into `app.mjs`: its processes start sooner. @param onFinished of the test, where tests run at once */
export async function builtProgram(code: string, onFinished = onTestFinished): Promise<Program> {
  const one = programIn(code, ["app.mjs"], onFinished);
  await buildIn(one.folder);
  return {
    ...one,
    async replace(other) {
      await one.replace(other);
      await buildIn(one.folder);
    },
  };
}

async function buildIn(folder: string): Promise<void> {
  await build({
    entryPoints: [join(folder, "app.ts")],
    outfile: join(folder, "app.mjs"),
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    sourcemap: true,
    external: ["perdure", "perdure/*", "@perdure/*"],
    logLevel: "silent",
    plugins: [perdure()],
  });
}

function programIn(code: string, startArgs: readonly string[], onFinished = onTestFinished): Program {
  const folder = mkdtempSync(join(tmpdir(), "perdure-program-"));
  const running: Running[] = [];
  onFinished(async () => {
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
    replace: async (other) => writeFileSync(join(folder, "app.ts"), other),
    start: (env = {}) => started(run(folder, startArgs, env)),
    command: (args, env = {}) => started(run(folder, [join(root, "packages/cli/dist/bin.js"), ...args], env)),
  };
}

/** Groups of processes that a test still answers for. */
const groups = new Set<number>();

// A process that ends before its tests are over takes them along.
process.once("exit", () => {
  for (const group of groups) endGroup(group);
});

function endGroup(group: number): void {
  try {
    process.kill(-group, "SIGKILL");
  } catch (error) {
    // All of them have ended.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

function run(folder: string, args: readonly string[], env: Readonly<Record<string, string>>): Running {
  const child = spawn(process.execPath, args, {
    cwd: folder,
    env: { ...process.env, NODE_OPTIONS: "", ...env },
    stdio: ["ignore", "pipe", "pipe"],
    // A group of its own, so that what it starts can be ended with it.
    detached: true,
  });
  const { pid } = child;
  // Why is told by the child's "error", which nothing here takes.
  if (pid === undefined) throw new Error(`\`node ${args.join(" ")}\` could not be started.`);
  groups.add(pid);
  let output = "";
  let isOver = false;
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const end = new Promise<{ status: number | null; signal?: NodeJS.Signals; output: string }>((resolve) =>
    child.on("close", (status, signal) => {
      isOver = true;
      resolve({ status, ...(signal && { signal }), output });
    }),
  );
  return {
    pid,
    output: () => output,
    async printed(text) {
      const pattern = typeof text === "string" ? new RegExp(text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")) : text;
      const startedAt = performance.now();
      for (;;) {
        const wasOver = isOver;
        const match = pattern.exec(output);
        if (match) return match;
        if (wasOver || performance.now() - startedAt > 60_000) throw new Error(`${pattern} was not printed:\n${output}`);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    },
    ended: () => end,
    kill() {
      endGroup(pid);
      groups.delete(pid);
    },
  };
}
