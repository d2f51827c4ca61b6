/**
 * The parent of worker processes. It starts them and starts them again, and does nothing with runs: a process that dies loses no run, because others take its runs over when its lease is
 * over. SIGTERM and SIGINT are passed on; whoever has not ended when the grace time is over, or when a second signal comes, is killed, and its runs are taken over likewise.
 */
import { exitStatus, failureOf } from "../failure.ts";
import type { Terminal } from "../terminal.ts";
import type { ProcessMessage } from "./process-message.ts";
import { superviseProcess, type SupervisedProcess } from "./supervised-process.ts";

export interface SuperviseOptions {
  /** The absolute path of the entry, and how messages call it. */
  readonly entry: { readonly file: string; readonly name: string };
  readonly processes: number;
  /** How long the processes may take to end. */
  readonly graceMs: number;
  /** Node's own options for them. */
  readonly execArgv: readonly string[];
}

const signals = ["SIGTERM", "SIGINT"] as const;

/** One press of Ctrl-C may arrive twice, from the terminal and from npm: what follows this soon is the same signal. */
const sameSignalMs = 500;

/** Of the grace time, what the worker has left to commit and give back its runs when attempts have not settled. */
const workerNeedsMs = 3000;

/** Runs until a signal comes and all processes have ended. Resolves with the exit status. @throws a Failure with ENTRY_FAILED */
export async function supervise(options: SuperviseOptions, terminal: Terminal): Promise<number> {
  const { entry, graceMs } = options;
  const say = (text: string): void => terminal.err(`perdure: ${text}\n`);
  const stopRequested = createStopRequest();
  let isLoaded = false;
  const onMessage = (message: ProcessMessage): void => {
    if (message === "loaded") isLoaded = true;
    // An entry that was never loaded is most likely broken; whoever watches over us shall see it.
    else if (message === "entry-failed" && !isLoaded) stopRequested.request("entry failed");
  };
  const processes = Array.from({ length: options.processes }, (_, index) =>
    superviseProcess({
      number: index + 1,
      prefixed: options.processes > 1,
      entry: entry.file,
      workerGraceMs: Math.max(graceMs / 2, graceMs - workerNeedsMs),
      execArgv: options.execArgv,
      terminal,
      say,
      onMessage,
    }),
  );
  const reason = await stopRequested.requested;
  const isOurs = reason === "entry failed";
  if (!isOurs) say(`${reason}: waiting up to ${graceMs / 1000} s for the processes to end. Another signal ends them at once.`);
  const kill = (why: string): void => {
    say(`${why}: what has not ended is killed.`);
    for (const one of processes) one.kill();
  };
  const timer = setTimeout(() => kill("The grace time is over"), graceMs);
  stopRequested.onAnother = (signal) => kill(`Another ${signal}`);
  const ends = await stopAll(processes, isOurs ? "SIGTERM" : reason);
  clearTimeout(timer);
  stopRequested.end();
  if (isOurs) throw failureOf("ENTRY_FAILED", exitStatus.mistakes, `${entry.name} could not be imported.`);
  return ends.every(Boolean) ? exitStatus.ok : exitStatus.mistakes;
}

function stopAll(processes: readonly SupervisedProcess[], signal: NodeJS.Signals): Promise<boolean[]> {
  return Promise.all(processes.map((one) => one.stop(signal)));
}

type StopReason = (typeof signals)[number] | "entry failed";

interface StopRequest {
  readonly requested: Promise<StopReason>;
  request(reason: StopReason): void;
  /** A further signal. */
  onAnother: (signal: NodeJS.Signals) => void;
  /** Listens to signals no more. */
  end(): void;
}

function createStopRequest(): StopRequest {
  let firstAt: number | null = null;
  let resolve: (reason: StopReason) => void = () => undefined;
  const requested = new Promise<StopReason>((settle) => (resolve = settle));
  const request = (reason: StopReason): void => {
    firstAt ??= performance.now();
    resolve(reason);
  };
  const listener = (signal: NodeJS.Signals): void => {
    if (firstAt === null) request(signal as StopReason);
    else if (performance.now() - firstAt > sameSignalMs) self.onAnother(signal);
  };
  for (const signal of signals) process.on(signal, listener);
  const self: StopRequest = {
    requested,
    request,
    onAnother: () => undefined,
    end() {
      for (const signal of signals) process.removeListener(signal, listener);
    },
  };
  return self;
}
