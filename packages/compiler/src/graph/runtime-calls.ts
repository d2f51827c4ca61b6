import type { Target } from "./resolve-value.ts";
import { isRuntime } from "./resolve-value.ts";

const hooks = ["createHook", "createWebhook", "defineHook().create"];
/** What leaves nothing in history. */
const silent: ReadonlySet<string> = new Set(["defineHook", "withOptions", "getStepMetadata", "getWorkflowMetadata", "heartbeat"]);

/** How a function of `perdure` appears in a graph; null if not at all. Names in capitals are classes. */
export function runtimeCall(name: string): "wait" | "hook" | "operation" | null {
  if (name === "sleep") return "wait";
  if (hooks.includes(name)) return "hook";
  return silent.has(name) || /^[A-Z]/.test(name) ? null : "operation";
}

/** Whether something that is awaited is a hook: the result of a function that opens one. */
export function isHook(target: Target | null): boolean {
  return target?.is === "result" && isRuntime(target.of, ...hooks);
}

/** The step behind `withOptions(step, …)`; null for any other target. */
export function withoutOptions(target: Target): { values: Extract<Target, { is: "result" }>["values"] } | null {
  return target.is === "result" && isRuntime(target.of, "withOptions") ? target : null;
}
