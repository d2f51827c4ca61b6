import { type Range, contains } from "../parse/nodes.ts";

/** Parts of a source, for quick lookups. Ranges inside others are redundant; ranges never overlap in part, as those of nodes do not. */
export class RangeSet {
  readonly #ranges: Range[];

  constructor(ranges: readonly Range[]) {
    const sorted = [...ranges].sort((a, b) => a.start - b.start || b.end - a.end);
    let last: Range | undefined;
    this.#ranges = sorted.filter((range) => {
      if (last !== undefined && contains(last, range)) return false;
      last = range;
      return true;
    });
  }

  /** Whether one of the ranges contains this one. */
  contains(range: Range): boolean {
    let low = 0;
    let high = this.#ranges.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#ranges[middle]?.start ?? 0) <= range.start) low = middle + 1;
      else high = middle;
    }
    const candidate = this.#ranges[low - 1];
    return candidate !== undefined && contains(candidate, range);
  }
}
