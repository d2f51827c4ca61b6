/** What can be said on a workflow's function, once and for all: `fulfil.options = { upgrade: "compatible" }`. */
import { PerdureError } from "./errors/perdure-error.ts";
import type { RegisteredWorkflow } from "./registry.ts";

export interface WorkflowOptions {
  /**
   * What becomes of open runs when a process has newer code of the workflow. `"pinned"` (default): they keep their own. `"compatible"`: a run goes on with the newer code once a worker takes it up,
   * if what it has done so far and what it waits for are the same with that; else it keeps its own.
   */
  readonly upgrade?: "pinned" | "compatible";
}

const upgrades: readonly unknown[] = ["pinned", "compatible"];

/** Whether open runs go on with newer code. @throws INVALID_ARGUMENT */
export function upgradeOf({ name, target }: RegisteredWorkflow): "pinned" | "compatible" {
  const { options } = target;
  if (options === undefined) return "pinned";
  if (typeof options !== "object" || options === null)
    throw new PerdureError("INVALID_ARGUMENT", `${name}.options must be an object, such as { upgrade: "compatible" }.`);
  for (const key of Object.keys(options))
    if (key !== "upgrade") throw new PerdureError("INVALID_ARGUMENT", `${name}.options has "${key}"; a workflow has the option "upgrade".`);
  const { upgrade = "pinned" } = options as WorkflowOptions;
  if (!upgrades.includes(upgrade))
    throw new PerdureError(
      "INVALID_ARGUMENT",
      `${name}.options.upgrade is ${JSON.stringify(upgrade)}; it must be "pinned" or "compatible".`,
    );
  return upgrade;
}
