/** Lists that mostly hold nothing or one thing, and of which every step makes some. (The first `push` to an array makes room for seventeen.) */

/** A list of nothing. */
export const none: readonly never[] = Object.freeze([]);

/** The list with one more, the same one if it is not {@link none}: it is the caller's own. */
export function append<T>(list: readonly T[], item: T): readonly T[] {
  if (list.length === 0) return [item];
  (list as T[]).push(item);
  return list;
}

/** The list with those of another one: one of the two, which is used up, as long as either holds nothing; else the first, which is the caller's own. */
export function concat<T>(list: readonly T[], more: readonly T[]): readonly T[] {
  if (more.length === 0) return list;
  if (list.length === 0) return more;
  for (const item of more) (list as T[]).push(item);
  return list;
}
