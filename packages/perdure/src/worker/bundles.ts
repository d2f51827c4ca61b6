import { createHash } from "node:crypto";

import type { World } from "@perdure/world";

import { PerdureError } from "../errors/perdure-error.ts";
import { findBundle, type WorkflowBundle, type WorkflowInPlace } from "../registry.ts";
import { toBytes, toText } from "../run-input.ts";

/** Workflow code by version: this process's own, or the World's. */
export interface Bundles {
  /** Stores a version in the World, once per process; code that runs in place cannot be stored. */
  save(bundle: WorkflowBundle | WorkflowInPlace): Promise<void>;
  /** @throws VERSION_NOT_FOUND, BUNDLE_CORRUPT */
  find(workflowId: string, version: string): WorkflowBundle | WorkflowInPlace | Promise<WorkflowBundle>;
}

export function createBundles(world: World): Bundles {
  const saved = new Map<string, Promise<void>>();
  const loaded = new Map<string, WorkflowBundle>();

  async function fetchBundle(workflowId: string, version: string): Promise<WorkflowBundle> {
    const bytes = await world.code.get(version);
    if (!bytes)
      throw new PerdureError("VERSION_NOT_FOUND", `The code of workflow "${workflowId}" in version ${version} is nowhere to be found.`);
    const bundle = readBundle(bytes, version);
    if (!bundle) throw new PerdureError("BUNDLE_CORRUPT", `The code of workflow "${workflowId}" in version ${version} has been altered.`);
    loaded.set(version, bundle);
    return bundle;
  }

  return {
    save(bundle) {
      if (!("code" in bundle)) return Promise.resolve();
      let saving = saved.get(bundle.version);
      if (!saving) {
        saving = world.code.put(bundle.version, toBytes(JSON.stringify({ code: bundle.code, map: bundle.map })));
        saved.set(bundle.version, saving);
        saving.catch(() => saved.delete(bundle.version));
      }
      return saving;
    },
    find: (workflowId, version) => findBundle(workflowId, version) ?? loaded.get(version) ?? fetchBundle(workflowId, version),
  };
}

function readBundle(bytes: Uint8Array, version: string): WorkflowBundle | null {
  try {
    const { code, map } = JSON.parse(toText(bytes)) as { code: string; map: string };
    return createHash("sha256").update(code, "utf8").digest("hex") === version ? { version, code, map } : null;
  } catch {
    return null;
  }
}
