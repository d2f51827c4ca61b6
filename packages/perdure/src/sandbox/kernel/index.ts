/**
 * The part of the runtime that lives inside the sandbox realm. It is bundled to text and evaluated once per realm; only strings and the
 * functions below cross its border.
 *
 * A delivery has three parts: `prepare` (which run, which event), `pump` (an evaluation of its own: the run's code runs until it is quiet, for the realm
 * drains its microtasks after each evaluation) and `take` (what the run asked for, four strings per ask):
 *
 *     "step"  op  step id  encoded input      "hook"  op  token  encoded metadata or ""     "completed"  ""  encoded value  ""
 *     "wait"  op  due time  ""                "dispose"  op  ""  ""                         "failed"  ""  encoded error  ""
 *     "log"  level  text  ""                  "cancel"  op  id of a run or ""  reason       "cancelled"  ""  encoded error  ""
 *     "start"  op  run as JSON  encoded args  "await"  op  id or key  which of them         "continued"  id of the new run  encoded args  ""
 *     "request"  op  id or key of a run  encoded reason
 *
 *     "state"  key  encoded value or ""  ""   "attributes"  ""  changes as JSON  ""         "reply"  message  encoded value or ""  ""
 *     "patch"  name  ""  ""
 *     "chunk"  stream  encoded value, or "b" and base64  ""    "close"  stream  ""  ""                 "signal"  number  encoded reason  ""
 *
 * Behind the step id there may be a line feed and what the call says of its attempts, as JSON.
 */
import { makeRunsBy } from "../../codec/index.ts";
import { installClock } from "./clock.ts";
import { createDeliveries, type Kernel } from "./deliveries.ts";
import { installFunctions } from "./functions.ts";
import { installGlobals } from "./globals.ts";
import { harden, hardenMore } from "./harden.ts";
import { installClasses } from "./run-classes.ts";
import { closeGlobals } from "./run-globals.ts";
import type { Sources } from "./run-state.ts";
import { getRun } from "./runs.ts";
import { installStreams } from "./streams.ts";
import { setScopeTracker, type ScopeTracker } from "./scopes.ts";
import { installStacks } from "./stacks.ts";
import { installTimers } from "./timers.ts";
import { installAnswers } from "./webhooks.ts";
import { workflowModule } from "./workflow-module.ts";
import { setDurableTimeout } from "./waits.ts";
import { installWeb, scheduleAbortsBy, type WebSource } from "./web/install.ts";

/** What the realm gets from the host. */
export interface HostParts {
  readonly sources: Sources;
  readonly web: WebSource;
  readonly scopes: ScopeTracker;
}

/**
 * Prepares the realm and returns the kernel. Called once, as the last thing that happens in the realm before workflow code.
 *
 * Scripts reach the kernel by one global, `__perdure_evaluate`, because an evaluation has to name something: it runs the prepared delivery. Called by anyone else it
 * does nothing.
 */
export function boot({ sources, web, scopes }: HostParts): Kernel {
  const global = globalThis as unknown as Record<string, unknown>;
  installClock(global);
  installGlobals(global);
  installTimers(global);
  installStacks();
  installClasses();
  installAnswers();
  installFunctions();
  installStreams();
  setScopeTracker(scopes);
  makeRunsBy(getRun);
  const deliveries = createDeliveries(sources);
  Object.defineProperty(global, "__perdure_evaluate", { value: () => deliveries.pump() });
  harden(global);
  hardenMore([workflowModule]);
  installWeb(global, web);
  scheduleAbortsBy((delayMs, abort) => void setDurableTimeout(abort, delayMs));
  closeGlobals(global, "__perdure_evaluate");
  return deliveries.kernel;
}
