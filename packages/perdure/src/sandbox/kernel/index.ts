/**
 * The part of the runtime that lives inside the sandbox realm. It is bundled to text and evaluated once per realm; only strings and the
 * functions below cross its border.
 *
 * A delivery has three parts: `prepare` (which run, which event), `pump` (an evaluation of its own: the run's code runs until it is quiet, for the realm
 * drains its microtasks after each evaluation) and `take` (what the run asked for, four strings per ask):
 *
 *     "step"  op  step id  encoded input      "hook"  op  token  encoded metadata or ""     "completed"  ""  encoded value  ""
 *     "wait"  op  due time  ""                "dispose"  op  ""  ""                         "failed"  ""  encoded error  ""
 *     "log"  level  text  ""
 */
import { installClock } from "./clock.ts";
import { createDeliveries, type Kernel } from "./deliveries.ts";
import { installGlobals } from "./globals.ts";
import { harden, hardenMore } from "./harden.ts";
import { installClasses } from "./run-classes.ts";
import { closeGlobals } from "./run-globals.ts";
import type { TokenSource } from "./run-state.ts";
import { installStacks } from "./stacks.ts";
import { workflowModule } from "./workflow-module.ts";
import { installWeb, type WebSource } from "./web/install.ts";

/**
 * Prepares the realm and returns the kernel. Called once, as the last thing that happens in the realm before workflow code.
 *
 * Scripts reach the kernel by one global, `__perdure_evaluate`, because an evaluation has to name something: 0 runs `tick` (the host's loop over
 * deliveries, within one evaluation that carries the watchdog), 1 runs the prepared delivery. Called by anyone else it does nothing.
 */
export function boot(tokenSource: TokenSource, tick: () => void, web: WebSource): Kernel {
  const global = globalThis as unknown as Record<string, unknown>;
  installClock(global);
  installGlobals(global);
  installStacks();
  installClasses();
  const deliveries = createDeliveries(tokenSource);
  Object.defineProperty(global, "__perdure_evaluate", {
    value: (part: number) => {
      if (part === 1) deliveries.pump();
      else if (!deliveries.busy()) tick();
    },
  });
  harden(global);
  hardenMore([workflowModule]);
  installWeb(global, web);
  closeGlobals(global, "__perdure_evaluate");
  return deliveries.kernel;
}
