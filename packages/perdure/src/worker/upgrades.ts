/** Open runs of workflows that allow it go on with newer code, see `WorkflowOptions` and docs/decisions/0020-deploys.md. */
import type { HistoryPage, RunRecord, World } from "@perdure/world";

import { findWorkflowById, type WorkflowBundle } from "../registry.ts";
import { upgradeOf } from "../workflow-options.ts";
import type { Bundles } from "./bundles.ts";
import { createRehearsal, rehearsedOf, type Rehearsal } from "./rehearsal.ts";

export interface Upgrades {
  /**
   * True: the run has newer code, and whoever claims it next goes on with that; this worker does not own it any more. False: it keeps its own code. Whatever prevents an
   * upgrade leaves the run as it is.
   */
  upgrade(run: RunRecord, page: HistoryPage): Promise<boolean>;
}

/** So many runs are remembered that keep their code, so that they are not tried again each time they wake up. */
const mostRemembered = 100_000;

export function createUpgrades(world: World, bundles: Bundles, warn: (text: string) => void): Upgrades {
  /** The runs that keep their code, each with the version that it was tried with. */
  const kept = new Map<string, string>();
  /** When versions were stored: the answer does not change. */
  const storedAt = new Map<string, number>();
  let rehearsal: Rehearsal | null = null;

  function keep(run: RunRecord, version: string): false {
    if (kept.size >= mostRemembered) kept.clear();
    kept.set(run.id, version);
    return false;
  }

  async function timeOf(version: string): Promise<number | null> {
    const known = storedAt.get(version);
    if (known !== undefined) return known;
    const at = await world.code.storedAt(version);
    if (at !== null) storedAt.set(version, at);
    return at;
  }

  /** Of two versions neither says which one is the later: the World has seen one of them first. */
  async function isNewer(bundle: WorkflowBundle, version: string): Promise<boolean> {
    await bundles.save(bundle);
    const [own, other] = [await timeOf(bundle.version), await timeOf(version)];
    return own !== null && other !== null && own > other;
  }

  async function tryUpgrade(run: RunRecord, { rows }: HistoryPage, bundle: WorkflowBundle): Promise<boolean> {
    if (kept.get(run.id) === bundle.version || !(await isNewer(bundle, run.version))) return false;
    rehearsal ??= createRehearsal(world.newRunId !== undefined);
    const own = await bundles.find(run.workflowId, run.version);
    // What stops either code is no reason to change it.
    const isSame = await rehearsal.isSame(rehearsedOf(run, rows), bundle, own).catch(() => false);
    if (!isSame) return keep(run, bundle.version);
    const seen = { status: run.status, fence: run.fence };
    // What has another answer was changed by somebody else meanwhile: this worker finds out by its fence.
    return (await world.amend(run.id, { seen, version: bundle.version })) === "amended";
  }

  return {
    async upgrade(run, page) {
      try {
        const bundle = newerFor(run, page);
        return bundle !== null && (await tryUpgrade(run, page, bundle));
      } catch (error) {
        warn(`Run "${run.key ?? run.id}" could not be tried on newer code: ${String(error)}`);
        return false;
      }
    },
  };
}

/** This process's code for a run that has another version and may change it. @throws INVALID_ARGUMENT for options that cannot be read */
function newerFor(run: RunRecord, { rows }: HistoryPage): WorkflowBundle | null {
  const workflow = findWorkflowById(run.workflowId);
  const bundle = workflow?.bundle;
  if (!workflow || !bundle || !("code" in bundle) || bundle.version === run.version) return null;
  // Without a row it may have begun all the same, and steps with it: see `deferral.ts`.
  if (rows.length === 0 && run.fence > 1) return null;
  return upgradeOf(workflow) === "compatible" ? bundle : null;
}
