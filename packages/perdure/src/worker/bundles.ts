import type { World } from "@perdure/world";

import { PerdureError } from "../errors/perdure-error.ts";
import { monotonicNow, setTimeout } from "../host-timers.ts";
import { findBundle, type WorkflowBundle, type WorkflowInPlace } from "../registry.ts";
import { packBundle, unpackBundle } from "./stored-bundle.ts";

/** Workflow code by version: this process's own, or the World's. */
export interface Bundles {
  /**
   * Sees to it that the World has a version before runs of it are created, and again a minute later: a database that went back (a restored backup), and one that
   * removes code which nobody uses, has it then. Code that runs in place cannot be stored. Null: the World is known to have it, or cannot.
   */
  save(bundle: WorkflowBundle | WorkflowInPlace): Promise<void> | null;
  /** @throws VERSION_NOT_FOUND, BUNDLE_CORRUPT */
  find(workflowId: string, version: string): WorkflowBundle | WorkflowInPlace | Promise<WorkflowBundle>;
}

/** For so long a World that was seen to have a version is taken to have it. */
const confirmedMs = 60_000;

interface Saved {
  readonly bytes: Promise<Uint8Array>;
  readonly stored: Promise<void>;
  isStored: boolean;
  /** By the monotonic clock. */
  readonly at: number;
  /** Whether the World is asked once more when the time is over. */
  isFollowedUp: boolean;
}

export function createBundles(world: World, monotonic: () => number = monotonicNow): Bundles {
  const saved = new Map<string, Saved>();
  const loaded = new Map<string, WorkflowBundle>();
  const loading = new Map<string, Promise<WorkflowBundle>>();

  async function fetchBundle(workflowId: string, version: string): Promise<WorkflowBundle> {
    const bytes = await world.code.get(version);
    if (!bytes)
      throw new PerdureError("VERSION_NOT_FOUND", `The code of workflow "${workflowId}" in version ${version} is nowhere to be found.`);
    const bundle = await unpackBundle(bytes, version);
    if (!bundle) throw new PerdureError("BUNDLE_CORRUPT", `The code of workflow "${workflowId}" in version ${version} has been altered.`);
    loaded.set(version, bundle);
    return bundle;
  }

  /** Runs of one version that come at once load it once. */
  function load(workflowId: string, version: string): Promise<WorkflowBundle> {
    let found = loading.get(version);
    if (!found) {
      found = fetchBundle(workflowId, version).finally(() => loading.delete(version));
      loading.set(version, found);
    }
    return found;
  }

  function store(bundle: WorkflowBundle): Saved {
    const bytes = saved.get(bundle.version)?.bytes ?? packBundle(bundle);
    const stored = bytes.then((packed) => world.code.put(bundle.version, packed));
    const now: Saved = { bytes, stored, isStored: false, at: monotonic(), isFollowedUp: false };
    saved.set(bundle.version, now);
    stored.then(
      () => (now.isStored = true),
      () => {
        if (saved.get(bundle.version) === now) saved.delete(bundle.version);
      },
    );
    return now;
  }

  return {
    save(bundle) {
      if (!("code" in bundle)) return null;
      let known = saved.get(bundle.version);
      if (!known || monotonic() - known.at >= confirmedMs) known = store(bundle);
      if (!known.isFollowedUp) {
        // The run that is created now may be in a database that goes back in a moment.
        known.isFollowedUp = true;
        setTimeout(() => void store(bundle).stored.catch(() => undefined), confirmedMs).unref();
      }
      return known.isStored ? null : known.stored;
    },
    find: (workflowId, version) => findBundle(workflowId, version) ?? loaded.get(version) ?? load(workflowId, version),
  };
}
