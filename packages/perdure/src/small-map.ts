/**
 * A map in the order of insertion, for places that seldom hold more than one entry and of which there are many: every run has several. An empty `Map` takes
 * 210 bytes, most of it a table for four; this one takes 50, and a table only from the second entry on until it is empty again.
 */
export class SmallMap<K extends string | number | object, V> {
  /** The only entry, as long as there is no table. */
  #key: K | undefined;
  #value: V | undefined;
  #table: Map<K, V> | null = null;

  get size(): number {
    return this.#table?.size ?? (this.#key === undefined ? 0 : 1);
  }

  get(key: K): V | undefined {
    if (this.#table) return this.#table.get(key);
    return this.#key === key ? this.#value : undefined;
  }

  has(key: K): boolean {
    return this.#table?.has(key) ?? this.#key === key;
  }

  set(key: K, value: V): void {
    if (this.#table) {
      this.#table.set(key, value);
    } else if (this.#key === undefined || this.#key === key) {
      this.#key = key;
      this.#value = value;
    } else {
      this.#table = new Map([
        [this.#key, this.#value as V],
        [key, value],
      ]);
      this.#key = undefined;
      this.#value = undefined;
    }
  }

  /** False when there was no such entry. */
  delete(key: K): boolean {
    if (this.#table) {
      const had = this.#table.delete(key);
      if (this.#table.size === 0) this.#table = null;
      return had;
    }
    if (this.#key !== key) return false;
    this.#key = undefined;
    this.#value = undefined;
    return true;
  }

  /** Entries that are deleted during the iteration are left out, as with a `Map`, unless there was only one. */
  values(): Iterable<V> {
    if (this.#table) return this.#table.values();
    return this.#key === undefined ? [] : [this.#value as V];
  }

  [Symbol.iterator](): Iterator<[K, V]> {
    if (this.#table) return this.#table.entries();
    const entries: [K, V][] = this.#key === undefined ? [] : [[this.#key, this.#value as V]];
    return entries.values();
  }
}
