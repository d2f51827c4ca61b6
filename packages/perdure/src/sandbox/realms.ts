/**
 * The places of a worker's runs: the sandbox realm for code that came as a bundle, the module graph for code that runs in place. Handles of the first are
 * positive, those of the second negative; it exists only once a run needs it, and again when
 * the runtime's own modules were loaded again (`vi.resetModules()`).
 */
import { none } from "../lists.ts";
import type { WorkflowBundle, WorkflowInPlace } from "../registry.ts";
import { createRealm, type InPlaceRealm, type RealmDelivery, type RealmOptions, type RunIdentity } from "./realm.ts";

export interface Realms {
  /** Makes a run's place. @throws PROTOCOL_UNSUPPORTED, or a SyntaxError of the bundle */
  create(code: WorkflowBundle | WorkflowInPlace, run: RunIdentity): number | Promise<number>;
  setReplaying(handle: number, unanswered: readonly string[] | null): void;
  /** From here on the run's chance is another one. */
  reseed(handle: number, seed: string): void;
  /** From here on the run's asks are traced. */
  trace(handle: number): void;
  /** Of a traced run: the stacks of what it asked for at the last delivery, for each ask that a history records. */
  stacks(handle: number): readonly string[];
  drop(handle: number): void;
  /** Delivers in order, from an index on, and returns the index of the first that is left; a promise when it could not be done at once. */
  deliver(deliveries: readonly RealmDelivery[], from: number): number | Promise<number>;
}

export function createRealms(options: RealmOptions): Realms {
  const sandbox = createRealm(options);
  const modules = createModuleGraphs(options);
  return {
    create: (code, run) => ("code" in code ? sandbox.create(code.version, code.code, run) : modules.create(code, run)),
    setReplaying: (handle, ops) => (handle < 0 ? modules : sandbox).setReplaying(handle, ops),
    reseed: (handle, seed) => (handle < 0 ? modules : sandbox).reseed(handle, seed),
    trace: (handle) => (handle < 0 ? modules : sandbox).trace(handle),
    stacks: (handle) => (handle < 0 ? modules : sandbox).stacks(handle),
    drop: (handle) => (handle < 0 ? modules : sandbox).drop(handle),
    deliver(deliveries, from) {
      if (!modules.isUsed()) return sandbox.deliver(deliveries, from);
      if ((deliveries[from]?.handle ?? 0) < 0) return modules.deliver(deliveries, from);
      const next = deliveries.findIndex(({ handle }, index) => index > from && handle < 0);
      return sandbox.deliver(next < 0 ? deliveries : deliveries.slice(0, next), from);
    },
  };
}

interface ModuleGraphs {
  isUsed(): boolean;
  create(code: WorkflowInPlace, run: RunIdentity): Promise<number>;
  setReplaying: Realms["setReplaying"];
  reseed: Realms["reseed"];
  trace: Realms["trace"];
  stacks: Realms["stacks"];
  drop: Realms["drop"];
  deliver(deliveries: readonly RealmDelivery[], from: number): Promise<number>;
}

function createModuleGraphs(options: RealmOptions): ModuleGraphs {
  const graphs = new Map<WorkflowInPlace["createRealm"], InPlaceRealm>();
  const places = new Map<number, InPlaceRealm>();
  let handles = 0;
  return {
    isUsed: () => graphs.size > 0,
    async create({ createRealm: create, load }, run) {
      let graph = graphs.get(create);
      if (!graph) graphs.set(create, (graph = create(options)));
      const workflow = await load();
      handles--;
      places.set(handles, graph);
      graph.create(handles, workflow, run);
      return handles;
    },
    setReplaying: (handle, ops) => places.get(handle)?.setReplaying(handle, ops),
    reseed: (handle, seed) => places.get(handle)?.reseed(handle, seed),
    trace: (handle) => places.get(handle)?.trace(handle),
    stacks: (handle) => places.get(handle)?.stacks(handle) ?? none,
    drop(handle) {
      places.get(handle)?.drop(handle);
      places.delete(handle);
    },
    async deliver(deliveries, from) {
      let index = from;
      for (let next = deliveries[index]; next && next.handle < 0; next = deliveries[++index]) {
        const place = places.get(next.handle);
        if (place) await place.deliver(next);
        else next.error = new Error(`No run has the handle ${next.handle}.`);
      }
      return index;
    },
  };
}
