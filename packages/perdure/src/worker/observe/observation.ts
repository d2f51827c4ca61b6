import { decode } from "../../codec/index.ts";
import { mapFrames } from "../../source-positions.ts";
import type { Bundles } from "../bundles.ts";
import type { ResidentRun } from "../resident-run.ts";
import { stackOf } from "./stack-of.ts";
import type { AttemptStarted, ObservedRun, Observer, Told, WorkerEvent } from "./observer.ts";

/** Observers that belong to a process and not to one worker. */
export interface SharedObservers {
  /** Replaces them. */
  set(observers: readonly Observer[]): void;
  readonly current: readonly Observer[];
  /** Calls back when they were replaced, until the returned function is called. */
  watch(changed: () => void): () => void;
}

export function createSharedObservers(): SharedObservers {
  let current: readonly Observer[] = [];
  const watchers = new Set<() => void>();
  return {
    set(observers) {
      current = [...observers];
      for (const changed of watchers) changed();
    },
    get current() {
      return current;
    },
    watch(changed) {
      watchers.add(changed);
      return () => watchers.delete(changed);
    },
  };
}

/** Tells the observers of one worker. */
export interface Observation {
  /** Null while nobody observes. Whoever has something to tell asks first, so that nothing is made for nobody. */
  readonly tell: ((event: Told) => void) | null;
  /** Begins an attempt in the context that observers give it; null when none does. */
  readonly begin: ((event: Extract<Told, { type: "attempt_started" }>, begin: () => void) => void) | null;
  /** Warns the operator, with or without observers. */
  warn(message: string): void;
  add(observer: Observer): () => void;
  stop(): void;
}

export function createObservation(worker: string, own: readonly Observer[], shared: SharedObservers): Observation {
  const observers = new Set(own);
  const faulty = new WeakSet<Observer>();
  let everyone: readonly Observer[] = [];

  function blame(observer: Observer, error: unknown): void {
    if (faulty.has(observer)) return;
    faulty.add(observer);
    process.emitWarning(
      `An observer of the worker failed; it is told further events, and not warned of again: ${stackOf(error)}`,
      "PerdureWarning",
    );
  }

  function show(observer: Observer, event: WorkerEvent): void {
    try {
      const answer: unknown = observer.observe?.(event);
      if (answer instanceof Promise) answer.catch((error: unknown) => blame(observer, error));
    } catch (error) {
      blame(observer, error);
    }
  }

  function tell(event: Told): void {
    const complete = Object.assign(event, { worker }) as WorkerEvent;
    for (const observer of everyone) show(observer, complete);
  }

  function begin(event: Extract<Told, { type: "attempt_started" }>, run: () => void): void {
    const complete: AttemptStarted = Object.assign(event, { worker });
    let inner = run;
    for (const observer of everyone) {
      if (observer.beginAttempt) inner = within(observer, complete, inner);
      else show(observer, complete);
    }
    inner();
  }

  function within(observer: Observer, event: AttemptStarted, inner: () => void): () => void {
    return () => {
      let hasBegun = false;
      const once = (): void => {
        if (hasBegun) return;
        hasBegun = true;
        inner();
      };
      try {
        const answer: unknown = observer.beginAttempt?.(event, once);
        if (answer instanceof Promise) answer.catch((error: unknown) => blame(observer, error));
      } catch (error) {
        blame(observer, error);
      }
      // An observer that forgot to begin does not keep the attempt from it.
      once();
    };
  }

  const observation = {
    tell: null as Observation["tell"],
    begin: null as Observation["begin"],
    warn(message: string): void {
      process.emitWarning(message, "PerdureWarning");
      observation.tell?.({ type: "warning", message });
    },
    add(observer: Observer): () => void {
      observers.add(observer);
      refresh();
      return () => {
        observers.delete(observer);
        refresh();
      };
    },
    stop: (): void => unwatch(),
  };

  function refresh(): void {
    everyone = [...new Set([...shared.current, ...observers])];
    observation.tell = everyone.length > 0 ? tell : null;
    observation.begin = everyone.some((observer) => observer.beginAttempt) ? begin : null;
  }

  const unwatch = shared.watch(refresh);
  refresh();
  return observation;
}

/** A run as events show it. */
export function observed({ id, key, workflowId, version }: ResidentRun): ObservedRun {
  return { runId: key ?? id, workflowId, version };
}

/** Gives an event its error, which is read from the stored form only when somebody looks. Frames of workflow code lead to the source where `bundles` has its map. */
export function withError<T extends Told>(event: T, payload: string, { workflowId, version }: ResidentRun, bundles: Bundles): T {
  let read: { readonly value: unknown } | null = null;
  const get = (): unknown => {
    if (read) return read.value;
    const value = decode(payload);
    const bundle = bundles.find(workflowId, version);
    if (!(bundle instanceof Promise)) mapFrames(value, workflowId, bundle);
    else bundle.catch(() => undefined);
    read = { value };
    return value;
  };
  return Object.defineProperty(event, "error", { enumerable: true, configurable: true, get });
}
