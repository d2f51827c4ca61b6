import { start } from "perdure/api";
import { double } from "./numbers.ts";

type Fn<R> = (n: number) => Promise<R>;

export async function apply(fn: Fn<number>, n: number) {
  "use step";
  return fn(n);
}

/** Starts the workflow that it is given. */
export async function begin(workflow: Fn<string>, n: number) {
  "use step";
  const run = await start(workflow, [n]);
  return run.returnValue;
}

export async function same<F>(fn: F) {
  "use step";
  return fn;
}

export async function child(n: number) {
  "use workflow";
  return `child ${await double(n)}`;
}

export const arrow = async (n: number) => {
  "use workflow";
  return `arrow ${n}`;
};

export async function parent(given: Fn<string>) {
  "use workflow";
  const fee = 10;
  async function withFee(n: number) {
    "use step";
    return n + fee;
  }
  const [again, returned] = [await same(double), await same(withFee)];
  const numbers = [await apply(double, 1), await apply(withFee, 2), await again(3), await returned(4), await apply(returned, 5)];
  return { numbers, texts: [await begin(child, 6), await begin(arrow, 7), await begin(given, 8), await begin(await same(child), 9)] };
}
