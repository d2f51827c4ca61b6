/** Open runs of workflows that allow it go on with newer code, see `WorkflowOptions` and docs/decisions/0020-deploys.md. */
import type { HistoryPage, RunRecord, World } from "@perdure/world";

import { Divergence } from "../engine/machine.ts";
import { findWorkflowById, type WorkflowBundle } from "../registry.ts";
import { upgradeOf } from "../workflow-options.ts";
import type { Bundles } from "./bundles.ts";
import { type Code, createRehearsal, rehearsedOf, type Rehearsal, type Rehearsed } from "./rehearsal.ts";

export interface Upgrades {
  /**
   * True: the run has newer code, and whoever claims it next goes on with that; this worker does not own it any more. False: it keeps its own code. Whatever prevents an
   * upgrade leaves the run as it is.
   */
  upgrade(run: RunRecord, page: HistoryPage): Promise<boolean>;
}

/** After so many failures code is not tried again. */
const mostFailures = 3;

/** So many runs are remembered that keep their code, so that they are not tried again each time they wake up. */
const mostRemembered = 100_000;

export function createUpgrades(world: World, bundles: Bundles, warn: (text: string) => void): Upgrades {
  /** The runs that keep their code, each with the version that it was tried with. */
  const kept = new Map<string, string>();
  /** When versions were stored: the answer does not change. */
  const storedAt = new Map<string, number>();
  /** How often code has failed with histories in another way than by doing something else. */
  const failures = new Map<string, number>();
  let rehearsal: Rehearsal | null = null;
  let last = Promise.resolve(false);

  function keep(run: RunRecord, version: string): false {
    if (kept.size >= mostRemembered) kept.clear();
    kept.set(run.id, version);
    return false;
  }

  /** What stops code is no reason to give it to a run. Code that does not yield takes a worker's time with each. */
  function failed(run: RunRecord, { version }: WorkflowBundle, error: unknown): false {
    if (error instanceof Divergence) return false;
    const count = (failures.get(version) ?? 0) + 1;
    failures.set(version, count);
    const rest = count >= mostFailures ? " No other run of this process is tried on it." : "";
    warn(
      `Run "${run.key ?? run.id}" keeps its code, because version ${version} of ${run.workflowId} failed with its history: ${String(error)}${rest}`,
    );
    return false;
  }

  const hasFailed = ({ version }: WorkflowBundle): boolean => (failures.get(version) ?? 0) >= mostFailures;

  /** One after the other: code that fails is to be known by it before the next run is tried. */
  function isSame(on: Rehearsal, rehearsed: Rehearsed, bundle: WorkflowBundle, own: Code): Promise<boolean> {
    last = last.then(
      async () => !hasFailed(bundle) && on.isSame(rehearsed, bundle, own).catch((error: unknown) => failed(rehearsed.run, bundle, error)),
    );
    return last;
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
    if (kept.get(run.id) === bundle.version || hasFailed(bundle) || !(await isNewer(bundle, run.version))) return false;
    rehearsal ??= createRehearsal(world.newRunId !== undefined);
    const own = await bundles.find(run.workflowId, run.version);
    if (!(await isSame(rehearsal, rehearsedOf(run, rows), bundle, own))) return keep(run, bundle.version);
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
