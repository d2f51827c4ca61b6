import { calledSteps } from "../graph/called-steps.ts";
import { buildGraph } from "../graph/build-graph.ts";
import { outlineKey } from "../graph/outline-module.ts";
import type { Modules } from "../graph/resolve-value.ts";
import type { Manifest, StepEntry, WorkflowEntry } from "../manifest.ts";
import type { Bundle } from "./bundle.ts";

/** A workflow with its bundle's version, and its graph across all modules. */
export interface BuiltWorkflow extends WorkflowEntry {
  /** The `version` of its bundle. */
  version: string;
  /** The ids of the steps that it may call, directly or through others, in the order in which its code mentions them. */
  steps: string[];
}

/** The workflows and steps of an application, or of a part of it. */
export interface BuildManifest {
  /** The version of this form. Additions keep it. */
  perdure: 1;
  /** By id. */
  workflows: BuiltWorkflow[];
  /** By id. */
  steps: StepEntry[];
}

/** Anything with workflows and steps: manifests of bundled files, or `{ steps, workflows: [] }` of a module that only has steps. */
export type ManifestPart = Pick<BuildManifest, "workflows" | "steps">;

/**
 * Merges the manifests of files into one. Independent of the order of the parts; what is in several of them is in the result once, as the
 * last has it.
 */
export function createBuildManifest(parts: Iterable<ManifestPart>): BuildManifest {
  const workflows = new Map<string, BuiltWorkflow>();
  const steps = new Map<string, StepEntry>();
  for (const part of parts) {
    for (const workflow of part.workflows) workflows.set(workflow.id, workflow);
    for (const step of part.steps) steps.set(step.id, step);
  }
  return { perdure: 1, workflows: sorted(workflows), steps: sorted(steps) };
}

/** The manifest of one file, after its workflows have been bundled. */
export function manifestOfFile(
  manifest: Manifest,
  bundles: Record<string, Bundle>,
  all: Modules & { manifests: readonly Manifest[] },
): BuildManifest {
  const workflows = manifest.workflows.map((entry): BuiltWorkflow => {
    const key = outlineKey(entry.start);
    return {
      ...entry,
      graph: buildGraph(manifest.module, key, all),
      version: bundles[entry.id]?.version ?? "",
      steps: calledSteps(manifest.module, key, all),
    };
  });
  const called = new Set(workflows.flatMap(({ steps }) => steps));
  const others = all.manifests.flatMap(({ steps }) => steps).filter(({ id }) => called.has(id));
  return createBuildManifest([{ workflows, steps: [...manifest.steps, ...others] }]);
}

function sorted<Entry extends { id: string }>(entries: ReadonlyMap<string, Entry>): Entry[] {
  return [...entries.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
}
