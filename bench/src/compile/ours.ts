import { runInThisContext } from "node:vm";

import { compile } from "@perdure/compiler";
import { bundleWorkflows, findDirectiveModules } from "@perdure/compiler/bundle";

import { markedPerPart, partsOf } from "./sources.ts";
import type { Tree } from "./tree.ts";

/** Finds the modules with directives in a tree; all of them, and no others. */
export function scan(tree: Tree): void {
  const { files } = findDirectiveModules(tree.root);
  if ([...files].sort().join() !== [...tree.marked].sort().join())
    throw new Error(`The scan found ${files.length} files instead of ${tree.marked.length}, or others.`);
}

/** Compiles a module for a target. */
export function transform(code: string, target: "host" | "workflow"): void {
  const parts = partsOf(code);
  const { manifest, diagnostics, map } = compile(code, { id: "bench/src/order.ts", target, bundles: "virtual:perdure/bundles" });
  const right = manifest.steps.length === parts * markedPerPart.steps && manifest.workflows.length === parts * markedPerPart.workflows;
  if (!right || map === null || diagnostics.length > 0)
    throw new Error(`The module was not compiled as expected: ${JSON.stringify(diagnostics)}`);
}

/** Bundles the workflow of a file. Resolves with its text. */
export async function bundle(file: string): Promise<string> {
  const { bundles } = await bundleWorkflows(file);
  const [first, ...others] = Object.values(bundles);
  if (first === undefined || others.length > 0) throw new Error(`${file} has ${others.length + 1} bundles.`);
  return first.code;
}

/** Runs the bundle of the example on stand-ins of the runtime: a small order goes all the way. */
export async function runOrder(code: string): Promise<void> {
  const asked: string[] = [];
  const runtime = {
    callStep: (id: string) => Promise.resolve(asked.push(id.replace(/.*#/, ""))),
    sleep: () => Promise.resolve(),
    defineHook: () => ({}),
    createHook: () => ({}),
    FatalError: Error,
    RetryableError: Error,
  };
  const factory = runInThisContext(code) as (runtime: object) => (order: object) => Promise<{ outcome?: string }>;
  const { outcome } = await factory(runtime)({ id: "1", email: "a@b.c", item: "tea", quantity: 1, amountCents: 100 });
  if (outcome !== "shipped" || asked.join() !== "reserveStock,charge,ship,sendReceipt")
    throw new Error(`The bundle did not run as it should: ${outcome}, ${asked.join()}`);
}
