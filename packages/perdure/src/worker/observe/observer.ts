/** The run that an event is about. */
export interface ObservedRun {
  /** As `run.runId` shows it: the id that `start()` was given, else the one that it made. */
  readonly runId: string;
  /** `package/path#export`. */
  readonly workflowId: string;
  /** The hash of the workflow's code. */
  readonly version: string;
}

/** The attempt that an event is about. */
export interface ObservedAttempt extends ObservedRun {
  /** The step call, unique within its run. */
  readonly operation: string;
  /** `package/path#export`. */
  readonly stepId: string;
  /** 1 for the first. */
  readonly attempt: number;
}

/** An attempt begins. */
export interface AttemptStarted extends ObservedAttempt {
  readonly type: "attempt_started";
  /** The worker's id. */
  readonly worker: string;
}

/**
 * Why a run left a worker's memory before its end. `idle`: it waited for long, or others needed the room. `stopping`: the worker ends. `fenced`: another worker has it, or
 * it was ended from outside. `behind`: the World's history has another length than this worker knew. `interrupted`: its code was stopped by the watchdog while the process
 * hardly ran. `unavailable`: this process lacks a step or the code that it needs, or could not load it. `upgraded`: it goes on
 * with newer code, whoever claims it.
 */
export type ReleaseReason = "idle" | "stopping" | "fenced" | "behind" | "interrupted" | "unavailable" | "upgraded";

/** What an event says; the worker's id is added to each. Times are ms since the epoch, durations ms. */
export type Told =
  /** A run that has no history yet was taken in. */
  | ({ readonly type: "run_started" } & ObservedRun)
  /** `isTakeover`: from a worker that is gone. `crashes`: how many such takeovers there were since the run last got on. */
  | ({ readonly type: "run_claimed"; readonly fence: number; readonly isTakeover: boolean; readonly crashes: number } & ObservedRun)
  /** The run was rebuilt from its history. `bytes`: of that and of its arguments. */
  | ({ readonly type: "run_replayed"; readonly rows: number; readonly bytes: number; readonly ms: number } & ObservedRun)
  /** The run's code and its history disagree; `reason` says how. It stays as it is until other code takes it up. */
  | ({ readonly type: "run_parked"; readonly reason: string } & ObservedRun)
  | ({ readonly type: "run_released"; readonly reason: ReleaseReason } & ObservedRun)
  /** The run is over. `error`: what it threw, if it did; read it only if you need it. */
  | ({
      readonly type: "run_ended";
      readonly status: "completed" | "failed" | "cancelled";
      /** The World's id of the run in which it goes on, if it does. */
      readonly successor: string | null;
      readonly createdAt: number;
      readonly error?: unknown;
    } & ObservedRun)
  | ({ readonly type: "attempt_started" } & ObservedAttempt)
  /**
   * The attempt is over, its outcome not yet durable. `retrying`: it failed, and the next may begin at `nextAttemptAt`. `unwanted`: nobody waits for the outcome any more.
   * `error`: what it threw; read it only if you need it.
   */
  | ({
      readonly type: "attempt_settled";
      readonly outcome: "completed" | "failed" | "retrying" | "unwanted";
      readonly ms: number;
      readonly error?: unknown;
      readonly nextAttemptAt?: number;
    } & ObservedAttempt)
  /** One call of the World, for `commits` runs. `outcome`: `unknown` when the call failed, and will be made again. The counts of what became of the commits add up to `commits` when it is known. */
  | {
      readonly type: "commit";
      readonly commits: number;
      readonly rows: number;
      readonly ms: number;
      readonly outcome: "known" | "unknown";
      readonly committed: number;
      readonly fenced: number;
      readonly behind: number;
      readonly failed: number;
    }
  /** The World was asked for work, which renews the lease. `messages`: also those that it has shown before. */
  | { readonly type: "lease_renewed"; readonly claimed: number; readonly messages: number; readonly ms: number }
  /** The worker stood still for so long that its lease may have run out; it begins no attempt until it knows which runs are still its own. */
  | { readonly type: "lease_lapsed" }
  /** A line that workflow code wrote to its console, once: not on a replay. `level`: `debug`, `log`, `info`, `warn` or `error`. */
  | ({ readonly type: "console"; readonly level: string; readonly text: string } & ObservedRun)
  /** Something that an operator should know, as `process.emitWarning` tells it too. */
  | { readonly type: "warning"; readonly message: string };

/** Something that happened in a worker. New types may be added. */
export type WorkerEvent = Told & {
  /** The worker's id. */
  readonly worker: string;
};

/**
 * Is told what workers do. Observers are called at once and in the order of what happens, in the midst of it: they must be quick. One that throws, or whose promise
 * rejects, is warned of once and harms nothing.
 */
export interface Observer {
  observe?(event: WorkerEvent): void;
  /**
   * Begins an attempt, for observers that give its code a context (a span, an AsyncLocalStorage): `begin()` must be called once before this returns, and calls the step's function. It is called
   * in place of `observe()` with the same event.
   */
  beginAttempt?(event: AttemptStarted, begin: () => void): void;
}
