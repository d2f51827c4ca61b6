import type { Commit, CommitResult, RunStatus, World } from "@perdure/world";

import type { Realm } from "../sandbox/realm.ts";
import type { Attempts } from "./attempts.ts";
import type { Batcher } from "./batcher.ts";
import type { Bundles } from "./bundles.ts";
import type { ResolvedWorkerOptions } from "./options.ts";
import type { Releases } from "./releases.ts";
import type { Residents } from "./residents.ts";
import type { Timers } from "./timers.ts";
import type { Turns } from "./turns.ts";

/** A run has ended here; its row says the same. */
export interface EndedRun {
  readonly runId: string;
  readonly status: Exclude<RunStatus, "running">;
  readonly output: Uint8Array;
}

/** What the parts of a worker share. */
export interface Core {
  readonly id: string;
  readonly world: World;
  readonly options: ResolvedWorkerOptions;
  readonly realm: Realm;
  readonly bundles: Bundles;
  readonly residents: Residents;
  readonly timers: Timers;
  readonly attempts: Attempts;
  readonly turns: Turns;
  readonly releases: Releases;
  readonly committer: Batcher<Commit, CommitResult>;
  /** True from the first moment of `stop()`: nothing new begins. */
  stopping: boolean;
  readonly onEnded: (ended: EndedRun) => void;
}
