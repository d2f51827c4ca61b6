/** Of a benchmark, what the printed result needs; `run.mjs` reads the rest. */
export const benchmarks: Readonly<Record<string, { readonly summary: string }>>;
