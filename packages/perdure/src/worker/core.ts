import type { RunStatus, World } from "@perdure/world";

import type { Realms } from "../sandbox/realms.ts";
import type { Attempts } from "./attempts.ts";
import type { Bundles } from "./bundles.ts";
import type { Committer } from "./committer.ts";
import type { Deferrals } from "./deferrals.ts";
import type { Observation } from "./observe/observation.ts";
import type { ResolvedWorkerOptions } from "./options.ts";
import type { Leases } from "./leases.ts";
import type { Releases } from "./releases.ts";
import type { Resident } from "./resident.ts";
import type { Residents } from "./residents.ts";
import type { Shortages } from "./shortages.ts";
import type { Timers } from "./timers.ts";
import type { Turns } from "./turns.ts";
import type { Upgrades } from "./upgrades.ts";

/** A run has ended here; its row says the same. */
export interface EndedRun {
  readonly runId: string;
  readonly status: Exclude<RunStatus, "running">;
  readonly output: Uint8Array;
  /** The run in which it goes on, if it does. */
  readonly successor: string | null;
}

/** What the parts of a worker share. */
export interface Core {
  readonly id: string;
  readonly world: World;
  readonly options: ResolvedWorkerOptions;
  readonly realm: Realms;
  readonly bundles: Bundles;
  readonly residents: Residents;
  readonly timers: Timers;
  readonly attempts: Attempts;
  readonly turns: Turns;
  readonly releases: Releases;
  readonly leases: Leases;
  readonly deferrals: Deferrals;
  readonly shortages: Shortages;
  readonly upgrades: Upgrades;
  readonly committer: Committer;
  readonly observation: Observation;
  /** How often in a row a run was interrupted by the watchdog while the process hardly ran. */
  readonly interruptions: Map<string, number>;
  /** The answer of a call that may have given this worker runs was lost: the next claim says which runs it holds. */
  hasLostAnswer: boolean;
  /** Messages whose commit was acknowledged, to be forgotten once no claim that began before that can still show them. */
  consumed: { readonly resident: Resident; readonly message: string }[];
  /** Aborted when the worker has ended. */
  readonly signal: AbortSignal;
  /** True from the first moment of `stop()`: nothing new begins. */
  stopping: boolean;
  /** How many turns wait for a part of the World that does not answer. */
  waitingTurns: number;
  /** Attempts or messages wait until what is ready has been committed. */
  isHeldBack: boolean;
  /** Looks for work at once. */
  readonly hint: () => void;
  readonly onEnded: (ended: EndedRun) => void;
}
