/** The workflows of the load once more, in terms of what must come of them: written apart from the runtime, to check its histories by. */
import { payloadsOf, type PlannedRun } from "./load.ts";

/** How a step is expected to go. */
export interface Expected {
  readonly value: unknown;
  /** Attempts that fail before the last. */
  readonly retries?: number;
  /** The message of the error that it ends with. */
  readonly failure?: string;
}

/** What a model may call. Promises settle when the history that is checked has the answer. */
export interface ModelApi {
  /** @param name of a step of `workflows.ts`, or a step's whole id */
  step(name: string, expected: Expected): Promise<unknown>;
  sleep(ms: number): Promise<unknown>;
  /** A run that is started and awaited. */
  child(workflow: string, value: unknown): Promise<unknown>;
  /** What the workflow says to others: nothing answers it. */
  note(ask: string): void;
  hook(): { next(expected: unknown): Promise<unknown>; dispose(): void };
}

/** Returns what the workflow returns. */
export type Model = (api: ModelApi, run: PlannedRun) => Promise<unknown>;

export async function sum(api: ModelApi, a: number, b: number): Promise<number> {
  await api.step("add", { value: a + b });
  return a + b;
}

export async function squared(api: ModelApi, a: number): Promise<number> {
  await api.step("square", { value: a * a });
  return a * a;
}

export const models: Readonly<Record<string, Model>> = {
  async chain(api, { n }) {
    let total = n;
    for (const term of [1, 2, 3, 4, 5, 6, 7, 8]) total = await sum(api, total, term);
    return total;
  },

  async fanOut(api, { n }) {
    const values = await Promise.all([0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((offset) => squared(api, n + offset)));
    return sum(
      api,
      n,
      values.reduce((total, value) => total + value),
    );
  },

  async naps(api, { n }) {
    const first = await sum(api, n, 1);
    await api.sleep(10 + (n % 40));
    const second = await sum(api, first, 2);
    await api.sleep(20 + (n % 30));
    return sum(api, second, 3);
  },

  async approval(api, run) {
    const [first, second] = payloadsOf(run) as [{ amount: number }, { amount: number }];
    const hook = api.hook();
    await hook.next(first);
    const total = await sum(api, run.n, first.amount);
    await hook.next(second);
    hook.dispose();
    return sum(api, total, second.amount);
  },

  async retries(api, { n }) {
    await api.step("unreliable", { value: n + 100, retries: 2 });
    const message = await api.step("doomed", { value: undefined, failure: `never ${n}` }).catch((error: Error) => error.message);
    if (n % 3 !== 0) return [n + 100, message, 0];
    await api.step("stubborn", { value: n + 200, retries: 1 });
    return [n + 100, message, n + 200];
  },

  async nested(api, { n }) {
    let total = 0;
    for (const x of [0, 1, 2]) {
      await Promise.all([api.step("nested/left", { value: 2 * n + x }), api.step("nested/right", { value: 2 * n - x })]);
      total += (2 * n + x) * (2 * n - x);
    }
    return total;
  },

  async branches(api, { n }) {
    const branch = async (index: number): Promise<number> => {
      await sum(api, n, index);
      await api.sleep(5 + 7 * index);
      return squared(api, n + index);
    };
    return Promise.all([branch(1), branch(2), branch(3)]);
  },

  async race(api, { n }) {
    const winner = await Promise.race([api.step("linger", { value: "step" }), api.sleep(15).then(() => "wait")]);
    return [winner, await sum(api, n, 1)];
  },
};
