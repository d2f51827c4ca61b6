import type { BuildManifest } from "./build-manifest.ts";
import type { Bundle } from "./bundle.ts";

/** The member of a bundle's source map with the signatures of steps. */
const STEPS = "x_perdure_steps";

/**
 * Writes into the map of each bundle the signatures of the steps that its workflow may call, by id, sorted: a run keeps its code, and what its code expects of the
 * application's steps must be known when these have moved on. A bundle's version is a hash of its code, so it stays.
 */
export function signBundles(bundles: Record<string, Bundle>, { workflows, steps }: BuildManifest): Record<string, Bundle> {
  const called = new Map(workflows.map((workflow) => [workflow.id, new Set(workflow.steps)]));
  return Object.fromEntries(
    Object.entries(bundles).map(([id, bundle]) => {
      const own = steps.filter((step) => called.get(id)?.has(step.id) === true).map((step) => [step.id, step.signature]);
      return [id, { ...bundle, map: withMember(bundle.map, STEPS, Object.fromEntries(own)) }];
    }),
  );
}

/** The text of a JSON object with one more member at its end: a map with the sources of libraries is long, and need not be read for that. */
function withMember(map: string, name: string, value: unknown): string {
  return `${map.slice(0, -1)},${JSON.stringify(name)}:${JSON.stringify(value)}}`;
}
