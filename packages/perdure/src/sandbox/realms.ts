/**
 * The places of a worker's runs: the sandbox realm for code that came as a bundle, the module graph for code that runs in place. The second exists only once
 * a run needs it.
 */
import type { WorkflowBundle, WorkflowInPlace } from "../registry.ts";
import { createRealm, type InPlaceRealm, type RealmDelivery, type RealmOptions, type RunIdentity } from "./realm.ts";

export interface Realms {
  /** Makes a run's place. @throws PROTOCOL_UNSUPPORTED, or a SyntaxError of the bundle */
  create(code: WorkflowBundle | WorkflowInPlace, run: RunIdentity): number | Promise<number>;
  setAnswered(handle: number, ops: readonly string[] | null): void;
  drop(handle: number): void;
  /** Delivers in order, from an index on, and returns the index of the first that is left; a promise when it could not be done at once. */
  deliver(deliveries: readonly RealmDelivery[], from: number): number | Promise<number>;
}

export function createRealms(options: RealmOptions): Realms {
  const realm = createRealm(options);
  let inPlace: InPlaceRealm | null = null;
  const placeOf = (handle: number): Pick<Realms, "setAnswered" | "drop"> => (handle < 0 && inPlace ? inPlace : realm);
  return {
    create(code, run) {
      if ("code" in code) return realm.create(code.version, code.code, run);
      inPlace ??= code.createRealm(options);
      const place = inPlace;
      return code.load().then((workflow) => place.create(workflow, run));
    },
    setAnswered: (handle, ops) => placeOf(handle).setAnswered(handle, ops),
    drop: (handle) => placeOf(handle).drop(handle),
    deliver(deliveries, from) {
      if (!inPlace) return realm.deliver(deliveries, from);
      const isInPlace = (deliveries[from]?.handle ?? 0) < 0;
      if (isInPlace) return inPlace.deliver(deliveries, from);
      const next = deliveries.findIndex(({ handle }, index) => index > from && handle < 0);
      return realm.deliver(next < 0 ? deliveries : deliveries.slice(0, next), from);
    },
  };
}
