/** What open runs would do with the code of this process: see docs/deploying.md. */
import { type RunRecord, type VersionRecord, type World } from "@perdure/world";

import type { Row } from "../engine/row.ts";
import { PerdureError } from "../errors/perdure-error.ts";
import { findWorkflowById, registeredFunctions } from "../registry.ts";
import { getWorld } from "../runtime.ts";
import { upgradeOf } from "../workflow-options.ts";
import { createBundles } from "../worker/bundles.ts";
import { unpackBundle } from "../worker/stored-bundle.ts";
import { type Code, createRehearsal, rehearsedOf } from "../worker/rehearsal.ts";
import type { CheckReport } from "./check-report.ts";
import { type Codes, createTally, signaturesOf, type Tally } from "./check-tally.ts";
import { eachRun } from "../each-run.ts";
import type { Signature } from "./signatures.ts";

export interface CheckRunsOptions {
  /** Only the runs of one workflow, by its id. Default: all. */
  readonly workflowId?: string;
  /** How many runs of each version are replayed at most, the newest first. Default: all. */
  readonly sample?: number;
  /** Default: the World of the process. */
  readonly world?: World;
}

/** So many runs are loaded at a time. */
const atATime = 16;

/**
 * Replays open runs on the code of this process, and says which would go on with it as if they had begun with it, which would not and why, and what old runs need that this process does not have.
 * Nothing is written and no step is attempted; the runs go on meanwhile. Call it where a new build is loaded and no worker runs.
 * @throws INVALID_ARGUMENT
 */
export async function checkRuns({ workflowId, sample, world: given }: CheckRunsOptions = {}): Promise<CheckReport> {
  if (sample !== undefined && !(Number.isSafeInteger(sample) && sample >= 1))
    throw new PerdureError("INVALID_ARGUMENT", `{ sample } is ${String(sample)}; it must be a whole number from 1 on.`);
  const world = given ?? (await getWorld());
  const bundles = createBundles(world);
  const rehearsal = createRehearsal(world.newRunId !== undefined);
  const { versions, unavailable = [] } = await world.query.versions(workflowId);
  const tallies = new Map<string, Tally>();
  for (const one of versions) tallies.set(nameOf(one), createTally(one, await codesOf(one)));

  async function codesOf({ workflowId: id, version }: VersionRecord): Promise<Codes> {
    const workflow = findWorkflowById(id);
    const current = workflow?.bundle ?? null;
    const upgrade = workflow ? upgradeOf(workflow) : "pinned";
    try {
      const own = await bundles.find(id, version);
      return { own, signatures: await signaturesIn(world, version, own), current, upgrade, lost: null };
    } catch (error) {
      const { code } = error as { readonly code?: unknown };
      if (code !== "VERSION_NOT_FOUND" && code !== "BUNDLE_CORRUPT") throw error;
      return { own: null, signatures: none, current, upgrade, lost: code };
    }
  }

  async function look(run: RunRecord, tally: Tally): Promise<void> {
    const { rows } = await world.load(run.id);
    const rehearsed = rehearsedOf(run, rows);
    tally.calls(openSteps(rehearsed.rows));
    const { own, current } = tally.codes;
    if (current === null || current.version === run.version) return;
    try {
      const difference = await rehearsal.compare(rehearsed, current, own);
      if (difference) tally.differs(run.id, difference);
      else tally.fits();
    } catch (error) {
      tally.failed(run.id, error);
    }
  }

  async function* toBeChecked(): AsyncGenerator<{ readonly run: RunRecord; readonly tally: Tally }, void> {
    const open = { status: "running", limit: 1000, ...(workflowId !== undefined && { workflowId }) } as const;
    for await (const run of eachRun(world, open)) {
      const tally = tallies.get(nameOf(run));
      if (tally?.take(sample)) yield { run, tally };
    }
  }

  const runs = toBeChecked();
  async function work(): Promise<void> {
    for (let next = await runs.next(); !next.done; next = await runs.next()) await look(next.value.run, next.value.tally);
  }
  await Promise.all(Array.from({ length: atATime }, work));
  const checked = [...tallies.values()].map((tally) => tally.result());
  const { workflows, steps } = registeredFunctions();
  return {
    openRuns: versions.reduce((sum, { open }) => sum + open, 0),
    registered: { workflows: workflows.length, steps: steps.length },
    versions: checked,
    unavailable,
  };
}

const none: ReadonlyMap<string, Signature> = new Map();

/** The steps that a version calls, as they were declared when it was first stored: a build may have the same version with other declarations. */
async function signaturesIn(world: World, version: string, own: Code): Promise<ReadonlyMap<string, Signature>> {
  const bytes = await world.code.get(version);
  const stored = bytes && (await unpackBundle(bytes, version));
  return signaturesOf(stored ?? own);
}

const nameOf = ({ workflowId, version }: { readonly workflowId: string; readonly version: string }): string => `${version} ${workflowId}`;

/** The ids of the steps that a history leaves without an answer. */
function openSteps(rows: readonly Row[]): Set<string> {
  const open = new Set<string>();
  for (const { event, asks } of rows) {
    if (event.type === "step_completed" || event.type === "step_failed") open.delete(event.op);
    for (const ask of asks) {
      if (ask.startsWith("step ")) open.add(ask.slice(5));
      else if (ask.startsWith("cancel ")) open.delete(ask.slice(7));
    }
  }
  return new Set([...open].map((op) => op.slice(0, op.lastIndexOf("#"))));
}
