import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** The service of `src/server.ts`, as a process of its own. */
export interface ServerProcess {
  readonly pid: number;
  readonly url: string;
  /** SIGKILL: the process gets no chance to do anything. Resolves when the operating system says that it is gone. */
  kill(): Promise<void>;
  /** SIGTERM: the process ends in its own way. Resolves with its exit code, null if it took too long and was killed. */
  stop(): Promise<number | null>;
}

const living = new Set<ChildProcess>();

// Whatever happens to the demo, it leaves no process behind.
process.on("exit", () => {
  for (const child of living) child.kill("SIGKILL");
});

const startTimeoutMs = 20_000;
const stopTimeoutMs = 10_000;

/** Starts it. Rejects with what it printed when it does not come up. */
export async function startServer(env: Record<string, string>): Promise<ServerProcess> {
  const child = spawn(process.execPath, ["--import", "@perdure/compiler/register", "src/server.ts"], {
    cwd: fileURLToPath(new URL("../", import.meta.url)),
    env: { ...process.env, ...env, PORT: "0" },
    stdio: ["ignore", "pipe", "pipe"],
    // A Ctrl-C in the terminal is for the demo, which then ends the server.
    detached: true,
  });
  living.add(child);
  child.once("exit", () => living.delete(child));
  let complaints = "";
  child.stderr.on("data", (data: Buffer) => (complaints += data.toString()));

  const url = await urlOf(child).catch(async (reason: Error) => {
    child.kill("SIGKILL");
    throw new Error(`The server did not start: ${reason.message}.\n${complaints}`);
  });
  return {
    pid: child.pid as number,
    url,
    async kill() {
      child.kill("SIGKILL");
      await exitOf(child);
    },
    async stop() {
      child.kill("SIGTERM");
      const impatience = setTimeout(() => child.kill("SIGKILL"), stopTimeoutMs);
      const code = await exitOf(child);
      clearTimeout(impatience);
      if (complaints) console.error(complaints.trimEnd());
      return code;
    },
  };
}

/** The server says where it listens in its first line, as JSON. */
function urlOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error(`no answer within ${startTimeoutMs / 1000} s`)), startTimeoutMs).unref();
    child.once("exit", (code, signal) => reject(new Error(`it ended with ${signal ?? `exit code ${code}`}`)));
    child.once("error", reject);
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).once("line", (line) => {
      resolve((JSON.parse(line) as { listening: string }).listening);
    });
  });
}

async function exitOf(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  return child.exitCode;
}

/** Two ways to ask whether a process is really gone: the operating system by number, and its port. */
export async function isDead({ pid, url }: ServerProcess): Promise<boolean> {
  const answers = await fetch(url).then(
    () => true,
    () => false,
  );
  try {
    process.kill(pid, 0); // sends nothing, and throws if there is nobody to send it to
    return false;
  } catch {
    return !answers;
  }
}
