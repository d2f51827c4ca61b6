/** What was counted until some moment. A storage that does not tell something leaves it out. */
export interface Counts {
  /** When it was read, by `performance.now()`. */
  readonly at: number;
  /** Rows inserted, updated and deleted. */
  readonly rows?: number;
  /** Statements that this process gave to its driver. */
  readonly statements?: number;
  /** Transactions that wrote, or all of them where the storage makes no difference. */
  readonly commits?: number;
  readonly walBytes?: number;
}

/** Looks at a World's storage from outside of the World. */
export interface Meter {
  /** What is known at once. */
  read(): Promise<Counts>;
  /** What is known only after the storage has put its counts together, which may take ten seconds. */
  readSettled(): Promise<Counts>;
  /** Bytes of the whole database, after what is dead was given back. */
  storedBytes(): Promise<number>;
}

/** What can be counted. */
export const countables = ["rows", "statements", "commits", "walBytes"] as const;

export type Countable = (typeof countables)[number];

/** Counts per millisecond. */
export type Rates = Readonly<Partial<Record<Countable, number>>>;

/** How fast counts grew between two readings. */
export function ratesOf(before: Counts, after: Counts): Rates {
  const growth = growthOf(before, after, {});
  return Object.fromEntries(Object.entries(growth).map(([name, value]) => [name, value / (after.at - before.at)]));
}

/** What came between two readings, without what comes anyway. */
export function growthOf(before: Counts, after: Counts, background: Rates): Partial<Record<Countable, number>> {
  const growth: Partial<Record<Countable, number>> = {};
  for (const name of countables) {
    const [from, to] = [before[name], after[name]];
    if (from !== undefined && to !== undefined) growth[name] = to - from - (background[name] ?? 0) * (after.at - before.at);
  }
  return growth;
}
