import type { World } from "@perdure/world";

/** What goes to the World, lane by lane (see `World.laneOf`): nothing waits for another lane. In the order given; one group where the World has one lane. */
export function byLane<T>(world: World, items: readonly T[], runIdOf: (item: T) => string): readonly (readonly T[])[] {
  if (!world.laneOf) return [items];
  const lanes = new Map<string, T[]>();
  for (const item of items) {
    const lane = world.laneOf(runIdOf(item));
    const group = lanes.get(lane);
    if (group) group.push(item);
    else lanes.set(lane, [item]);
  }
  return [...lanes.values()];
}
