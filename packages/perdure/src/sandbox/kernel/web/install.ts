import { hardenMore } from "../harden.ts";
import { currentRunOrNull, type RunState } from "../run-state.ts";
import { PerdureError } from "../../../errors/perdure-error.ts";
import type { Schedule } from "./abort.ts";
import type { createWeb } from "./index.ts";
import type { UrlSource } from "./url-source.ts";
import { webNames } from "./web-names.ts";

/** What the host brings for the web's classes. */
export interface WebSource {
  /** Compiles and evaluates their text. */
  readonly load: () => typeof createWeb;
  readonly url: UrlSource;
}

let schedule: Schedule = () => {
  throw new PerdureError("NOT_AVAILABLE_IN_WORKFLOW", "AbortSignal.timeout() is not available in workflow code.");
};

/** Says what `AbortSignal.timeout()` waits with. */
export function scheduleAbortsBy(next: Schedule): void {
  schedule = next;
}

/** Prototypes to which no class leads. */
function hiddenIn(classes: ReturnType<ReturnType<WebSource["load"]>>): object[] {
  const stream = new (classes.ReadableStream as new () => { values(): object })();
  return [Object.getPrototypeOf(stream.values()) as object];
}

function loadOrOverflow(load: WebSource["load"]): ReturnType<WebSource["load"]> {
  try {
    return load();
  } catch {
    // Only an exhausted stack can stop the host, and its error is the host's.
    throw new RangeError("Maximum call stack size exceeded");
  }
}

/** Defines the names as globals whose first reader makes them all: few workflows need one, and the text takes milliseconds to evaluate. */
export function installWeb(global: object, { load, url }: WebSource): void {
  // The run that makes the classes reads some of the names itself. A flag would stay up if the watchdog stopped it meanwhile; that run never comes back.
  let loadingFor: RunState | null | undefined;
  const make = (): void => {
    loadingFor = currentRunOrNull();
    try {
      const classes = loadOrOverflow(load)({ url, schedule: (delayMs, callback) => schedule(delayMs, callback) });
      hardenMore([...Object.values(classes), ...hiddenIn(classes)] as object[]);
      for (const name of webNames)
        Object.defineProperty(global, name, { value: classes[name], writable: false, configurable: false, enumerable: false });
    } finally {
      loadingFor = undefined;
    }
  };
  for (const name of webNames) {
    const get = (): unknown => {
      if (loadingFor !== undefined && loadingFor === currentRunOrNull()) return undefined;
      make();
      return (global as Record<string, unknown>)[name];
    };
    Object.defineProperty(global, name, { get, configurable: true, enumerable: false });
  }
}
