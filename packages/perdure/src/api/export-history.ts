import { isRunId, type HistoryPage, type RunRecord, type World } from "@perdure/world";

import { PerdureError } from "../errors/perdure-error.ts";
import { WorkflowRunNotFoundError } from "../errors/run-errors.ts";
import { type RecordedBundle, type RecordedHistory, recordHistory } from "../recorded-history.ts";
import { getWorld } from "../runtime.ts";
import { createBundles } from "../worker/bundles.ts";
import { type Run, worldOfHandle } from "./run.ts";

export interface ExportHistoryOptions {
  /** Where the run is; it must have been set up. Default: the World of the handle, or of the process. */
  readonly world?: World;
  /** Whether the workflow's code and its source map come along. With them a replay can say where in the old source a difference is, and what the run had asked for in detail. Default: true. */
  readonly code?: boolean;
}

/** An open run may go on, or be rewound, while it is read. */
const mostTries = 8;

/**
 * A run with its whole history as one document of plain JSON, which can be kept, and replayed on any code by `replayHistory()` of `perdure/testing`. It holds all data of the run as it is
 * stored, nothing masked, and the seed of its tokens: see docs/testing.md. An open run is given as it stands, and goes on. Of a run that went on in others (`continueAsNew`) it is the one
 * with this id of the World's; by an id that its start was given, the last one. Code that is lost is left out.
 * @param run its id, or a handle
 * @throws RUN_NOT_FOUND, RUN_CHANGED
 */
export async function exportHistory(
  run: string | Run<unknown>,
  { world: given, code = true }: ExportHistoryOptions = {},
): Promise<RecordedHistory> {
  const id = typeof run === "string" ? run : run.runId;
  const world = given ?? (typeof run === "string" ? null : worldOfHandle(run)) ?? (await getWorld());
  const { record, rows } = await readRun(world, id);
  return recordHistory(record, rows, {
    placed: world.newRunId !== undefined,
    bundle: code ? await bundleOf(world, record) : null,
  });
}

/** The record and the rows of one time. */
async function readRun(world: World, id: string): Promise<{ readonly record: RunRecord; readonly rows: HistoryPage["rows"] }> {
  let record = (isRunId(id) ? await world.query.run({ id }) : null) ?? (await world.query.run({ key: id }));
  for (let tries = 0; record && tries < mostTries; tries++) {
    const { rows } = await world.load(record.id);
    const after: RunRecord | null = await world.query.run({ id: record.id });
    if (after?.status === record.status && after.fence === record.fence && after.version === record.version) return { record, rows };
    record = after;
  }
  if (!record) throw new WorkflowRunNotFoundError(id);
  throw new PerdureError("RUN_CHANGED", `Run "${id}" was changed each time that it was read.`);
}

async function bundleOf(world: World, { workflowId, version }: RunRecord): Promise<RecordedBundle | null> {
  try {
    const bundle = await createBundles(world).find(workflowId, version);
    return "code" in bundle ? { code: bundle.code, map: bundle.map } : null;
  } catch (error) {
    const { code } = error as { readonly code?: unknown };
    if (code === "VERSION_NOT_FOUND" || code === "BUNDLE_CORRUPT") return null;
    throw error;
  }
}
