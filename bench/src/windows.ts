/** What work took: milliseconds on the clock, and of this process's CPU time, all its threads together. */
export interface Timing {
  readonly wallMs: number;
  readonly cpuMs: number;
}

/** Times a piece of work. */
export async function timed<T>(work: () => Promise<T>): Promise<Timing & { readonly value: T }> {
  const cpu = process.cpuUsage();
  const start = performance.now();
  const value = await work();
  const wallMs = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  return { wallMs, cpuMs: (user + system) / 1000, value };
}

type Sides = Readonly<Record<string, () => Promise<unknown>>>;
type Samples<S extends Sides> = { readonly [K in keyof S]: Awaited<ReturnType<S[K]>>[] };

/**
 * Measures what is to be compared in turn, A B A B …, so that a machine that is slow for a while is slow for both. The first `warmUps` rounds do not
 * count.
 */
export async function alternate<S extends Sides>(
  sides: S,
  rounds: { readonly warmUps: number; readonly windows: number },
): Promise<Samples<S>> {
  const samples = Object.fromEntries(Object.keys(sides).map((name) => [name, [] as unknown[]]));
  for (let round = 0; round < rounds.warmUps + rounds.windows; round++) {
    for (const [name, measure] of Object.entries(sides)) {
      const sample = await measure();
      if (round >= rounds.warmUps) samples[name]?.push(sample);
    }
  }
  return samples as Samples<S>;
}

/** Repeats a batch until `leastMs` have gone by: a window too short to be disturbed by one garbage collection. */
export async function repeat<T>(leastMs: number, batch: () => Promise<T>): Promise<T[]> {
  const end = performance.now() + leastMs;
  const values: T[] = [];
  do values.push(await batch());
  while (performance.now() < end);
  return values;
}
