import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { openSync } from "node:fs";
import { fileURLToPath } from "node:url";

import type { PlannedRun } from "./load.ts";
import type { FromWorker, ToWorker, WorkerSettings } from "./messages.ts";

/** A worker's process. */
export interface Member {
  readonly pid: number;
  /** Its id in the World. */
  readonly workerId: string;
  start(runs: readonly PlannedRun[]): void;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
  /** SIGSTOP: it stands still wherever it is, perhaps in the middle of a transaction. */
  freeze(): void;
  /** SIGCONT: it goes on as if nothing had happened. */
  thaw(): void;
  /** Ends it in good order. */
  stop(): Promise<void>;
}

/** The workers at work, and some that are loaded and wait for their turn, so that nobody need wait for Node to start. */
export interface Fleet {
  readonly members: readonly Member[];
  /** Resolves when the new member works. */
  add(): Promise<Member>;
  /** Ends all that is left. */
  close(): Promise<void>;
}

export interface FleetOptions {
  /** The module of a worker's process. */
  readonly file: URL;
  readonly settings: WorkerSettings;
  /** Where the workers' warnings go. */
  readonly logPath: string;
  /** How many are loaded and wait for their turn. */
  readonly standbys: number;
  /** A `start()` was acknowledged. */
  readonly onStarted: (key: string) => void;
}

export function createFleet({ file, settings, logPath, standbys, onStarted }: FleetOptions): Fleet {
  const log = openSync(logPath, "a");
  const members: Member[] = [];
  const expected = new WeakSet<ChildProcess>();
  let closed = false;
  let failure: Error | null = null;
  const waiting = Array.from({ length: standbys }, load);
  let adding: Promise<unknown> = Promise.resolve();

  function load(): ChildProcess {
    // Standard output too: it belongs to the result.
    const child = fork(fileURLToPath(file), [JSON.stringify(settings)], { stdio: ["ignore", log, log, "ipc"] });
    child.on("message", (message: FromWorker) => {
      if (message.kind === "started") onStarted(message.key);
    });
    child.once("exit", (code, signal) => {
      if (!expected.has(child)) failure = new Error(`A worker ended by itself (${signal ?? code}); see ${logPath}.`);
    });
    return child;
  }

  async function end(child: ChildProcess, member: Member | null, how: () => void): Promise<void> {
    expected.add(child);
    const exited = child.exitCode === null && child.signalCode === null ? once(child, "exit") : null;
    how();
    if (member && members.includes(member)) members.splice(members.indexOf(member), 1);
    await exited;
  }

  function createMember(child: ChildProcess, workerId: string): Member {
    // (To one that has ended by itself, too: its exit says so.)
    const send = (message: ToWorker): void => void child.send(message, () => undefined);
    const member: Member = {
      pid: child.pid ?? 0,
      workerId,
      start: (runs) => send({ kind: "start", runs }),
      kill: () => end(child, member, () => child.kill("SIGKILL")),
      freeze: () => void child.kill("SIGSTOP"),
      thaw: () => void child.kill("SIGCONT"),
      stop: () => end(child, member, () => send({ kind: "stop" })),
    };
    return member;
  }

  async function addOne(): Promise<Member> {
    if (failure) throw failure;
    const child = waiting.shift() ?? load();
    const ready = told(child, "ready");
    // It may have been loaded for long: what is sent before waits in the channel.
    child.send({ kind: "open" } satisfies ToWorker);
    const { workerId } = await ready;
    if (!closed) waiting.push(load());
    const member = createMember(child, workerId);
    members.push(member);
    return member;
  }

  return {
    members,
    add() {
      const added = adding.then(addOne);
      adding = added.catch(() => undefined);
      return added;
    },
    async close() {
      closed = true;
      await Promise.all([...members].map((member) => member.kill()));
      await Promise.all(waiting.map((child) => end(child, null, () => child.kill("SIGKILL"))));
      if (failure) throw failure;
    },
  };
}

/** @throws when the process ends before it says so */
async function told<K extends FromWorker["kind"]>(child: ChildProcess, kind: K): Promise<Extract<FromWorker, { kind: K }>> {
  const stop = new AbortController();
  child.once("exit", () => stop.abort(new Error("A worker ended before it was ready.")));
  for (;;) {
    const [message] = (await once(child, "message", { signal: stop.signal })) as [FromWorker];
    if (message.kind === kind) return message as Extract<FromWorker, { kind: K }>;
  }
}
