import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { openSync } from "node:fs";
import { fileURLToPath } from "node:url";

import type { PlannedRun } from "./load.ts";
import type { FromWorker, ToWorker, WorkerSettings } from "./messages.ts";

/** A worker's process. */
export interface Member {
  readonly pid: number;
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

/** The workers at work, and one more that is loaded and waits for its turn, so that a round need not wait for Node to start. */
export interface Fleet {
  readonly members: readonly Member[];
  /** Resolves when the new member works. */
  add(): Promise<Member>;
  /** Ends all that is left. */
  close(): Promise<void>;
}

const file = fileURLToPath(new URL("./worker.ts", import.meta.url));

/** @param onStarted a `start()` was acknowledged  @param logPath where the workers' warnings go */
export function createFleet(settings: WorkerSettings, logPath: string, onStarted: (key: string) => void): Fleet {
  const log = openSync(logPath, "a");
  const members: Member[] = [];
  const expected = new WeakSet<ChildProcess>();
  let closed = false;
  let failure: Error | null = null;
  let standby = load();

  function load(): ChildProcess {
    // Standard output too: it belongs to the result.
    const child = fork(file, [JSON.stringify(settings)], { stdio: ["ignore", log, log, "ipc"] });
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
    await exited;
    if (member) members.splice(members.indexOf(member), 1);
  }

  function createMember(child: ChildProcess): Member {
    const send = (message: ToWorker): void => void child.send(message);
    const member: Member = {
      pid: child.pid ?? 0,
      start: (runs) => send({ kind: "start", runs }),
      kill: () => end(child, member, () => child.kill("SIGKILL")),
      freeze: () => void child.kill("SIGSTOP"),
      thaw: () => void child.kill("SIGCONT"),
      stop: () => end(child, member, () => send({ kind: "stop" })),
    };
    return member;
  }

  return {
    members,
    async add() {
      if (failure) throw failure;
      const child = standby;
      const ready = told(child, "ready");
      // It may have been loaded for long: what is sent before waits in the channel.
      child.send({ kind: "open" } satisfies ToWorker);
      await ready;
      if (!closed) standby = load();
      const member = createMember(child);
      members.push(member);
      return member;
    },
    async close() {
      closed = true;
      await Promise.all(members.map((member) => member.kill()));
      await end(standby, null, () => standby.kill("SIGKILL"));
      if (failure) throw failure;
    },
  };
}

/** @throws when the process ends before it says so */
async function told(child: ChildProcess, kind: FromWorker["kind"]): Promise<void> {
  const stop = new AbortController();
  child.once("exit", () => stop.abort(new Error("A worker ended before it was ready.")));
  for (;;) {
    const [message] = (await once(child, "message", { signal: stop.signal })) as [FromWorker];
    if (message.kind === kind) return;
  }
}
