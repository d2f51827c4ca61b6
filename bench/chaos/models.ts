/** The workflows of the load once more, in terms of what must come of them; see `../crash/models.ts`. */
import { crashLoad, type PlannedRun } from "../crash/load.ts";
import { models, squared, sum, type Model } from "../crash/models.ts";

export const chaosLoad = [...crashLoad, "booking", "family", "progress", "streams"];

/** The runs that a run starts. */
export function childrenOf({ key, workflow, n }: PlannedRun): PlannedRun[] {
  if (workflow !== "family") return [];
  return [1, 2, 3].map((index) => ({ key: `${key}/${index}`, workflow: "child", n: n + index, sender: null }));
}

const file = "@perdure/bench/chaos/workflows.ts";
const [book, child, speak] = [`${file}#book`, `${file}#child`, `${file}#speak`];

export const chaosModels: Readonly<Record<string, Model>> = {
  ...models,

  async child(api, { n }) {
    const value = await squared(api, n);
    await api.sleep(10 + (n % 60));
    return sum(api, value, 1);
  },

  async family(api, { n }) {
    const values = await Promise.all([1, 2, 3].map((index) => api.child(child, (n + index) ** 2 + 1) as Promise<number>));
    return sum(api, values[0] ?? 0, (values[1] ?? 0) + (values[2] ?? 0));
  },

  async booking(api, run) {
    const [first, second] = bookingsOf(run).map(({ pieces }) => pieces) as [number, number];
    await api.step(book, { value: first + 1 });
    await api.step(book, { value: second + 1 });
    return sum(api, first + 1, second + 1);
  },

  async progress(api, { n }) {
    let total = n;
    for (let done = 1; done <= 5; done++) {
      total = await sum(api, total, done);
      api.note("state progress");
    }
    return total;
  },

  async streams(api, { n }) {
    api.note("chunk log");
    await api.step(speak, { value: 3 + (n % 5) });
    api.note("chunk log");
    await api.sleep(10 + (n % 20));
    await api.step(speak, { value: 2 + (n % 3) });
    api.note("chunk log");
    api.note("close log");
    return sum(api, 3 + (n % 5), 2 + (n % 3));
  },
};

/** What others must be able to read of a run: the lengths of the speeches, in order, the chunks of its own, the published value. */
export function publishedOf({ workflow, n }: PlannedRun): { log: string[]; speeches: number[]; progress: unknown } {
  if (workflow === "progress") return { log: [], speeches: [], progress: { done: 5, total: n + 15 } };
  const speeches = [3 + (n % 5), 2 + (n % 3)];
  return { log: [`first ${n}`, `second ${speeches[0]}`, `third ${speeches[1]}`], speeches, progress: undefined };
}

/** The bookings of a completed run, in order. */
export function bookingsOf({ key, workflow, n }: PlannedRun): { readonly run: string; readonly pieces: number }[] {
  if (workflow !== "booking") return [];
  return [1, 100].map((least) => ({ run: key, pieces: least + (n % 50) }));
}
