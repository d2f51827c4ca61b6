/**
 * Whose code is running, where workflows run among everything else: each delivery enters the run's scope, which follows the promises of its code
 * (AsyncLocalStorage), while the code of tests, steps and the runtime goes on around it.
 */
import { AsyncLocalStorage } from "node:async_hooks";

import { findCurrentRunBy, type RunState, type Scope } from "../kernel/run-state.ts";
import { setScopeTracker } from "../kernel/scopes.ts";

const storage = new AsyncLocalStorage<RunState>();

findCurrentRunBy(() => storage.getStore() ?? null);

const cancellationScopes = new AsyncLocalStorage<Scope>();
setScopeTracker({ run: (scope, part) => cancellationScopes.run(scope, part), current: () => cancellationScopes.getStore() });

/** Runs a part of a run's code. */
export function enterRun(run: RunState, part: () => void): void {
  storage.run(run, part);
}

/** True in workflow code. */
export function isInWorkflow(): boolean {
  return storage.getStore() !== undefined;
}
