/**
 * Workflows in the process's own module graph, as under Vitest: the same kernel as in the sandbox realm, without a realm. Nothing is frozen and nobody
 * stops code that never yields; in return mocks, coverage and breakpoints reach workflow code.
 *
 * There is no microtask queue of its own to drain, so a run is quiet one turn of the event loop after an event was delivered. Code that goes on
 * after that awaited something which is in no history; it is told so, and so is the worker.
 */
import { requestOf } from "../../engine/event.ts";
import { PerdureError } from "../../errors/perdure-error.ts";
import { setImmediate } from "../../host-timers.ts";
import { defaultMaxBytes } from "../../codec/size.ts";
import { deliver, type Code, type Resident } from "../kernel/deliveries.ts";
import { RunState, type Sources } from "../kernel/run-state.ts";
import { TracedAsks } from "../kernel/traced-asks.ts";
import { none } from "../../lists.ts";
import type { InPlaceRealm, RealmDelivery, RealmOptions, RunIdentity, WorkflowCall } from "../realm.ts";
import { installRunGlobals } from "./globals.ts";
import { enterRun } from "./scope.ts";

/** Makes a worker's place for runs. */
export function createModuleGraphRealm(options: RealmOptions): InPlaceRealm {
  const residents = new Map<number, Resident>();
  /** What runs that are looked at asked for at their last delivery. */
  const traced = new Map<number, TracedAsks>();
  return {
    create(handle: number, workflow: WorkflowCall, run: RunIdentity) {
      installRunGlobals();
      residents.set(handle, new RunState(run, codeOf(workflow, run, options.sources)));
    },
    setReplaying(handle, ops) {
      const resident = residents.get(handle);
      if (resident) resident.unanswered = ops && new Set(ops);
    },
    reseed: (handle, seed) => residents.get(handle)?.reseed(seed),
    trace: (handle) => void traced.set(handle, new DeepAsks()),
    stacks: (handle) => traced.get(handle)?.stacks ?? none,
    drop(handle) {
      residents.delete(handle);
      traced.delete(handle);
    },
    async deliver(delivery) {
      try {
        const resident = residents.get(delivery.handle);
        if (!resident) throw new Error(`No run has the handle ${delivery.handle}.`);
        const out = traced.has(delivery.handle) ? new DeepAsks() : [];
        if (out instanceof DeepAsks) traced.set(delivery.handle, out);
        await react(resident, out, delivery, options.onStray);
        delivery.out = [...out];
      } catch (error) {
        delivery.error = error;
      }
    },
  };
}

function codeOf(workflow: WorkflowCall, { workflowId, maxValueBytes = defaultMaxBytes }: RunIdentity, sources: Sources): Code {
  return { factory: () => () => workflow, shared: null, workflowId, maxValueBytes, sources };
}

/** Delivers an event and waits until the run's code is quiet. @param out gets what it asks for */
async function react(
  resident: Resident,
  out: string[],
  { event, payload }: Pick<RealmDelivery, "event" | "payload">,
  onStray: RealmOptions["onStray"],
): Promise<void> {
  resident.out = out;
  enterRun(resident, () => deliver(resident, event.type, "op" in event ? event.op : "", event.at, payload, requestOf(event)));
  await new Promise((resolve) => setImmediate(resolve));
  resident.out = closedList(resident, onStray);
}

/** (Between the workflow's code and the end of the stack stands the kernel, which the sandbox leaves out of its stacks.) */
class DeepAsks extends TracedAsks {
  protected override stackHere(): string {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 50;
    try {
      return super.stackHere();
    } finally {
      Error.stackTraceLimit = stackTraceLimit;
    }
  }
}

/** The list of asks of a run that has no event to react to. */
function closedList({ id }: RunState, onStray: RealmOptions["onStray"]): string[] {
  const push = (): number => {
    onStray?.(
      id,
      new PerdureError(
        "NOT_AVAILABLE_IN_WORKFLOW",
        "The workflow awaited something that is neither a step nor a sleep nor a hook (a timer, I/O, a mock that takes time): a replay could not repeat it.",
      ),
    );
    return 0;
  };
  return Object.defineProperty([], "push", { value: push });
}
