import type { FunctionOutline, ModuleOutline, Value } from "./outline.ts";

/** The modules among which graphs are put together. */
export interface Modules {
  /** Null for a module whose source is not known. */
  outlineOf(module: string): ModuleOutline | null;
  /** The module that a specifier means in a module: its id, `RUNTIME`, or null if that is not known. */
  resolve(module: string, specifier: string): string | null;
}

/** Stands for the modules of `perdure`. */
export const RUNTIME = "perdure";

/** A value in the module that says it; `parameters` are the arguments of the calls around it, by the function's key. */
export interface Bound {
  value: Value;
  module: string;
  parameters: Parameters;
}

export type Parameters = ReadonlyMap<string, readonly (Bound | null)[]>;

/** What a value turned out to be. */
export type Target =
  | { is: "function"; module: string; key: string; outline: FunctionOutline; parameters: Parameters }
  | { is: "runtime"; name: string }
  | { is: "object"; members: Record<string, Bound> }
  | { is: "class"; statics: Record<string, Bound>; instance: Record<string, Bound> }
  | { is: "result"; of: Target | null; name: string; values: (Bound | null)[] }
  | { is: "either"; label: string; targets: Target[] }
  | { is: "namespace"; module: string }
  /** An import of a module that is not known. */
  | { is: "import"; from: string; imported: string; members: string[] };

/** Follows imports, re-exports, members and parameters to what a value is. Null: nothing that matters, or nothing that is known. */
export function resolveValue(bound: Bound, modules: Modules): Target | null {
  return new Resolution(modules).resolve(bound);
}

class Resolution {
  readonly #modules: Modules;
  /** Re-exports can go in circles, and a value that is given on from call to call can too. */
  #depth = 0;

  constructor(modules: Modules) {
    this.#modules = modules;
  }

  resolve({ value, module, parameters }: Bound): Target | null {
    if (++this.#depth > 200) return null;
    const bind = (inner: Value): Bound => ({ value: inner, module, parameters });
    const bindAll = (members: Record<string, Value>): Record<string, Bound> =>
      Object.fromEntries(Object.entries(members).map(([name, inner]) => [name, bind(inner)]));
    switch (value.is) {
      case "function": {
        const outline = this.#modules.outlineOf(module)?.functions[value.key];
        return outline === undefined ? null : { is: "function", module, key: value.key, outline, parameters };
      }
      case "import":
        return this.#import(module, value);
      case "object":
        return { is: "object", members: bindAll(value.members) };
      case "class":
        return { is: "class", statics: bindAll(value.statics), instance: bindAll(value.instance) };
      case "new": {
        const target = this.resolve(bind(value.of));
        return target?.is === "class" ? { is: "object", members: target.instance } : null;
      }
      case "member":
        return this.#member(this.resolve(bind(value.of)), value.name);
      case "result": {
        const values = value.values.map((inner) => (inner === null ? null : bind(inner)));
        return { is: "result", of: value.of === null ? null : this.resolve(bind(value.of)), name: value.name, values };
      }
      case "either": {
        const targets = value.values.map((inner) => this.resolve(bind(inner))).filter((target) => target !== null);
        return targets.length > 0 ? { is: "either", label: value.label, targets } : null;
      }
      case "parameter": {
        const argument = parameters.get(`${module}:${value.of}`)?.[value.index];
        return argument ? this.resolve(argument) : null;
      }
      default:
        return value satisfies never;
    }
  }

  #import(module: string, { from, imported, members }: Extract<Value, { is: "import" }>): Target | null {
    const found = this.#modules.resolve(module, from);
    if (found === null) return { is: "import", from, imported, members };
    const namespace: Target = { is: "namespace", module: found };
    const target = imported === "*" ? namespace : this.#member(namespace, imported);
    return members.reduce((object, name) => this.#member(object, name), target);
  }

  #exported(module: string, name: string, seen: Set<string>): Target | null {
    const outline = this.#modules.outlineOf(module);
    if (outline === null || seen.has(module)) return null;
    seen.add(module);
    const value = Object.hasOwn(outline.exports, name) ? outline.exports[name] : undefined;
    if (value !== undefined) return this.resolve({ value, module, parameters: new Map() });
    if (name === "default") return null;
    for (const star of outline.stars) {
      const found = this.#modules.resolve(module, star);
      const target = found === null || found === RUNTIME ? null : this.#exported(found, name, seen);
      if (target !== null) return target;
    }
    return null;
  }

  #member(target: Target | null, name: string): Target | null {
    switch (target?.is) {
      case "object":
      case "class": {
        const members = target.is === "class" ? target.statics : target.members;
        const bound = Object.hasOwn(members, name) ? members[name] : undefined;
        return bound === undefined ? null : this.resolve(bound);
      }
      case "namespace":
        return target.module === RUNTIME ? { is: "runtime", name } : this.#exported(target.module, name, new Set());
      case "result":
        return isRuntime(target.of, "defineHook") && name === "create" ? { is: "runtime", name: "defineHook().create" } : null;
      case "import":
        return { ...target, members: [...target.members, name] };
      case "either": {
        const targets = target.targets.map((item) => this.#member(item, name)).filter((item) => item !== null);
        return targets.length > 0 ? { ...target, targets } : null;
      }
      default:
        return null;
    }
  }
}

export function isRuntime(target: Target | null, ...names: string[]): boolean {
  return target?.is === "runtime" && names.includes(target.name);
}
