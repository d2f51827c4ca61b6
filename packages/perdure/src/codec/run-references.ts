/** Handles of runs as values: what is stored is the run's id. */
const runKey = Symbol.for("perdure.run");

let makeHandle: ((id: string) => object) | null = null;

/** Says how a handle is made on this side. */
export function makeRunsBy(make: (id: string) => object): void {
  makeHandle = make;
}

/** Marks an object as the handle of a run, so that it can be stored. Returns the object. */
export function markRun<T extends object>(handle: T, id: string): T {
  return Object.defineProperty(handle, runKey, { value: id });
}

/** The id of the run of which a value is the handle; undefined for all other values. */
export function runIdOf(value: object): string | undefined {
  const id = (value as { readonly [runKey]?: unknown })[runKey];
  return typeof id === "string" ? id : undefined;
}

export function handleOfRun(id: string): object {
  return makeHandle ? makeHandle(id) : markRun({ runId: id }, id);
}
