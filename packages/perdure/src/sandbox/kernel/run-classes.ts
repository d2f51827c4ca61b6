import { createClassRegistry, findClassesBy, type ClassRegistry } from "../../codec/index.ts";
import { currentRunOrNull, type RunState } from "./run-state.ts";

/** A run's module state is its own, and so are the classes that it defines and registers. */
export function installClasses(): void {
  const registries = new WeakMap<RunState, ClassRegistry>();
  findClassesBy(() => {
    const run = currentRunOrNull();
    if (!run) return null;
    let registry = registries.get(run);
    if (!registry) registries.set(run, (registry = createClassRegistry()));
    return registry;
  });
}
