import { isObject } from "./harden.ts";
import { currentRunOrNull } from "./run-state.ts";

/** What the `globalThis` of a run inherits from. Where workflows share the globals of the process, these. */
let inherited: object = globalThis;

/** (By a constructor: V8 learns that most have no properties, while `Object.create` leaves room for four.) */
function RunGlobal(): void {}
RunGlobal.prototype = inherited;

/** The `globalThis` of the current run: it sees all globals, and what it writes is its own. */
export function createRunGlobal(): object {
  const global = new (RunGlobal as unknown as new () => object)();
  const run = currentRunOrNull();
  if (run) run.global = global;
  return global;
}

/**
 * The `globalThis` of modules that runs share. What they write to it while they are evaluated all runs see; later it is the current run's, so that a value
 * which a library looks up there (the AI SDK's default provider) is the run's own.
 */
export function createSharedGlobal(): object {
  const own = Object.create(inherited) as object;
  const current = (): object => {
    const global = currentRunOrNull()?.global ?? own;
    return global === shared ? own : global;
  };
  const holder = (key: PropertyKey): object => (Object.hasOwn(current(), key) ? current() : own);
  const shared = new Proxy(Object.create(null) as object, {
    get: (_, key) => (key === "globalThis" || key === "self" ? shared : (Reflect.get(holder(key), key) as unknown)),
    set: (_, key, value) => Reflect.set(current(), key, value),
    has: (_, key) => key in holder(key),
    deleteProperty: (_, key) => Reflect.deleteProperty(current(), key),
    defineProperty: (_, key, property) => Reflect.defineProperty(current(), key, { ...property, configurable: true }),
    getOwnPropertyDescriptor(_, key) {
      const property = Reflect.getOwnPropertyDescriptor(holder(key), key);
      return property && { ...property, configurable: true };
    },
    ownKeys: () => [...new Set([...Reflect.ownKeys(own), ...Reflect.ownKeys(current())])],
    getPrototypeOf: () => inherited,
    setPrototypeOf: () => false,
    preventExtensions: () => false,
  });
  return shared;
}

/**
 * Makes the realm's globals read-only, and hides the object that holds them: runs inherit from one that answers with the same values, lets heirs override
 * them by assignment, and cannot be changed.
 */
export function closeGlobals(global: Record<string, unknown>, hidden: string): void {
  // For libraries that look for the global object: without it they try `Function("return this")`.
  Object.defineProperty(global, "self", { get: () => currentRunOrNull()?.global, enumerable: false, configurable: false });
  const shown = {};
  for (const key of Object.getOwnPropertyNames(global)) {
    if (key === hidden || key === "globalThis") continue;
    const property = Object.getOwnPropertyDescriptor(global, key);
    if (property && "value" in property) Object.defineProperty(global, key, { writable: false, configurable: false });
    Object.defineProperty(shown, key, {
      get: () => global[key],
      set(this: unknown, value: unknown) {
        if (this === shown || !isObject(this)) throw new TypeError(`Cannot change "${key}": it is shared by all runs.`);
        Object.defineProperty(this, key, { value, configurable: true, enumerable: true, writable: true });
      },
    });
  }
  Object.defineProperty(shown, "globalThis", {
    get(this: unknown) {
      return this;
    },
  });
  inherited = Object.freeze(shown);
  RunGlobal.prototype = inherited;
}
