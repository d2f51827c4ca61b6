import { type ChildProcess, fork } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Terminal } from "../terminal.ts";
import { createBackOff } from "./back-off.ts";
import type { ProcessMessage } from "./process-message.ts";
import { relay } from "./relay.ts";

export interface ProcessOptions {
  /** 1, 2, 3 … */
  readonly number: number;
  /** Whether what it prints goes through us, line by line with its number, or straight to the terminal. */
  readonly prefixed: boolean;
  /** The absolute path of the entry. */
  readonly entry: string;
  /** For how long its worker lets attempts go on when it is stopped. */
  readonly workerGraceMs: number;
  readonly execArgv: readonly string[];
  readonly terminal: Terminal;
  /** Lines about the process. */
  readonly say: (text: string) => void;
  readonly onMessage: (message: ProcessMessage) => void;
}

/** One of the worker processes: started, and started again with back-off whenever it ends, until it is stopped. */
export interface SupervisedProcess {
  /** Asks it to end by this signal, and starts no other. Resolves when it has ended: true if well. */
  stop(signal: NodeJS.Signals): Promise<boolean>;
  /** Ends it at once. Call it after `stop`. */
  kill(): void;
}

interface End {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Why there was no process to end. */
  readonly error?: Error;
}

const program = fileURLToPath(new URL(import.meta.url.endsWith(".ts") ? "./worker-process.ts" : "./worker-process.js", import.meta.url));

/** A process that ends by the signal that asked it to has done so well, also where it must say so by an exit code. */
const endsWell = { SIGTERM: 143, SIGINT: 130 } as Readonly<Record<string, number>>;

export function superviseProcess(options: ProcessOptions): SupervisedProcess {
  const { number, say } = options;
  const backOff = createBackOff();
  let child: ChildProcess | null = null;
  let ended: Promise<End> | null = null;
  let restart: NodeJS.Timeout | null = null;
  let isStopping = false;

  function start(): void {
    restart = null;
    const startedAt = performance.now();
    const started = fork(program, [options.entry, String(options.workerGraceMs)], {
      execArgv: [...options.execArgv],
      stdio: ["ignore", options.prefixed ? "pipe" : "inherit", options.prefixed ? "pipe" : "inherit", "ipc"],
    });
    child = started;
    started.on("message", (message: ProcessMessage) => {
      if (message === "ready") say(`Process ${number} (pid ${started.pid}) is ready.`);
      options.onMessage(message);
    });
    ended = endOf(started, options).then((end) => {
      child = null;
      if (!isStopping) startAgain(started, end, performance.now() - startedAt);
      return end;
    });
  }

  function startAgain({ pid }: ChildProcess, end: End, livedMs: number): void {
    const pauseMs = backOff.next(livedMs);
    say(`Process ${number}${pid === undefined ? "" : ` (pid ${pid})`} ${reasonOf(end)}. It is started again in ${pauseMs / 1000} s.`);
    restart = setTimeout(start, pauseMs);
  }

  start();
  return {
    async stop(signal) {
      isStopping = true;
      if (restart) clearTimeout(restart);
      if (!child) return true;
      const { pid } = child;
      child.kill(signal);
      const end = await ended;
      const isWell = end?.code === 0 || end?.signal === signal || end?.code === endsWell[signal];
      if (!isWell && end) say(`Process ${number} (pid ${pid}) ${reasonOf(end)}.`);
      return isWell;
    },
    kill: () => void child?.kill("SIGKILL"),
  };
}

/** The end of a process, once what it printed is passed on. What it started itself may hold its output open: that is not waited for. */
async function endOf(child: ChildProcess, { number, terminal }: ProcessOptions): Promise<End> {
  const prefix = `[${number}] `;
  const { stdout, stderr } = child;
  const printed = Promise.all([
    stdout && relay(stdout, prefix, (text) => terminal.passOn("out", text)),
    stderr && relay(stderr, prefix, (text) => terminal.passOn("err", text)),
  ]).catch(() => undefined);
  const end = await new Promise<End>((resolve) => {
    child.once("error", (error) => {
      if (child.pid === undefined) resolve({ code: null, signal: null, error });
    });
    child.once("exit", (code, signal) => resolve({ code, signal }));
  });
  await Promise.race([printed, delay(500, undefined, { ref: false })]);
  return end;
}

function reasonOf({ code, signal, error }: End): string {
  if (error) return `could not be started: ${error.message}`;
  return signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`;
}
