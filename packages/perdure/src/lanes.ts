/** What goes to a World lane by lane (see `World.laneOf`): nothing waits for another lane. */
import type { World } from "@perdure/world";

/** In the order given; one group where the World has one lane. */
export function byLane<T>(world: World, items: readonly T[], runIdOf: (item: T) => string): readonly (readonly T[])[] {
  if (!world.laneOf) return [items];
  const groups = perLane<T[]>(world, () => []);
  for (const item of items) groups.of(runIdOf(item)).push(item);
  return [...groups.all()];
}

/** One thing for each lane, made when it is first asked for. */
export interface PerLane<T> {
  of(runId: string): T;
  /** Those that were made. */
  all(): Iterable<T>;
}

export function perLane<T extends object>(world: World, make: (lane: string) => T): PerLane<T> {
  const lanes = new Map<string, T>();
  return {
    of(runId) {
      const lane = world.laneOf?.(runId) ?? "";
      let one = lanes.get(lane);
      if (!one) lanes.set(lane, (one = make(lane)));
      return one;
    },
    all: () => lanes.values(),
  };
}

/** One thing for each lane of each World that is in use. */
export function perWorldAndLane<T extends object>(make: (world: World) => T): (world: World, runId: string) => T {
  const worlds = new WeakMap<World, PerLane<T>>();
  return (world, runId) => {
    let lanes = worlds.get(world);
    if (!lanes) worlds.set(world, (lanes = perLane(world, () => make(world))));
    return lanes.of(runId);
  };
}
