import { fork, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("../../peers/dbos/", import.meta.url));

/** The workload's workflow in DBOS, in a process of its own. */
export interface Dbos {
  /** Milliseconds of each run of so many steps, one at a time. */
  runAlone(runs: number, steps: number): Promise<number[]>;
  /** Milliseconds until all runs have ended that are started at once. */
  runMany(runs: number, steps: number): Promise<number>;
  stop(): Promise<void>;
}

interface Answer {
  readonly id: number;
  readonly times?: readonly number[];
  readonly error?: string;
}

/** Installs the package from the registry, if it is not there, into that folder and nowhere else. @throws when npm cannot */
export function installDbos(): void {
  if (existsSync(path.join(folder, "node_modules/@dbos-inc/dbos-sdk/package.json"))) return;
  console.error("Installing DBOS into bench/peers/dbos …");
  const { status, stderr, error } = spawnSync("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--workspaces=false"], {
    cwd: folder,
    encoding: "utf8",
    timeout: 300_000,
    shell: process.platform === "win32",
  });
  if (status !== 0) throw new Error(`npm could not install DBOS: ${error?.message ?? stderr.trim()}`);
}

/** @param url an empty database for it */
export async function openDbos(url: string): Promise<Dbos> {
  // Without our hooks. Standard output belongs to the result.
  const child = fork(path.join(folder, "program.mjs"), [url], {
    cwd: folder,
    execArgv: ["--no-deprecation"],
    stdio: ["ignore", 2, 2, "ipc"],
  });
  let id = 0;

  async function answer(expected: number): Promise<readonly number[]> {
    const stop = new AbortController();
    const ended = (): void => stop.abort(new Error("DBOS's process ended before its time."));
    child.once("exit", ended);
    try {
      for (;;) {
        const [message] = (await once(child, "message", { signal: stop.signal })) as [Answer];
        if (message.id !== expected) continue;
        if (message.error !== undefined) throw new Error(message.error);
        return message.times ?? [];
      }
    } finally {
      child.off("exit", ended);
    }
  }

  function ask(name: "alone" | "many", runs: number, steps: number): Promise<readonly number[]> {
    id++;
    const times = answer(id);
    child.send({ id, name, runs, steps });
    return times;
  }

  await answer(0);
  return {
    runAlone: async (runs, steps) => [...(await ask("alone", runs, steps))],
    runMany: async (runs, steps) => (await ask("many", runs, steps))[0] ?? Number.NaN,
    async stop() {
      const exited = child.exitCode === null ? once(child, "exit") : null;
      child.send({ name: "stop" });
      await exited;
    },
  };
}
