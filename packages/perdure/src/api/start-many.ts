import type { CreatedRun, NewRun, World } from "@perdure/world";

import { PerdureError } from "../errors/perdure-error.ts";
import { getWorld, workerOf } from "../runtime.ts";
import type { Serializable } from "../serializable.ts";
import { cancelChildren } from "../worker/other-runs.ts";
import type { Run } from "./run.ts";
import { createOwned, creatorIn, handleOf, prepareStart, saveCode, type PreparedStart, type StartOptions } from "./start.ts";

type Workflow = (...args: never[]) => Promise<unknown>;

/** One run of {@link startMany}: what `start()` takes, as a list. Its `ifExists` cannot be `fail`, and the World is said once for all. */
export type StartRequest<W extends Workflow> = readonly [
  workflow: W & ((...args: Parameters<W>) => Promise<Serializable<Awaited<ReturnType<W>>, "result">>),
  args: Serializable<Parameters<W>, "args">,
  options?: Omit<StartOptions, "world" | "client" | "ifExists"> & { readonly ifExists?: "return" | "replace" },
];

/** As many runs as one call may start: they share one transaction, in which nobody else writes. */
const most = 1000;

/**
 * Starts runs all or none, in one transaction: when the promise resolves all are durable, when it rejects none was started by it (if the World did not answer, that is not known;
 * with ids the call may be repeated). Handles come in the order of the requests. At most 1,000. With `client` they are a part of the caller's transaction, as with `start()`.
 * @throws WORKFLOW_NOT_COMPILED, SERIALIZATION_FAILED, VALUE_TOO_LARGE, INVALID_ARGUMENT, CLIENT_NOT_SUPPORTED, VERSION_NOT_FOUND, BUNDLE_CORRUPT; nothing is written
 * @example
 * const runs = await startMany(orders.map((order) => [fulfilOrder, [order], { id: `order-${order.id}` }] as const));
 */
export async function startMany<const Workflows extends readonly Workflow[]>(
  requests: { readonly [Index in keyof Workflows]: StartRequest<Workflows[Index]> },
  options: Pick<StartOptions, "world" | "client"> = {},
): Promise<{ -readonly [Index in keyof Workflows]: Run<Awaited<ReturnType<Workflows[Index]>>> }> {
  const prepared = prepare(requests);
  const world = options.world ?? (await getWorld());
  const runs: NewRun[] = [];
  // One transaction has them all in one place.
  for (const request of prepared) runs.push(request.place(world, runs[0]?.id));
  const create = options.client === undefined ? () => createAll(world, runs) : creatorIn(world, options.client, runs);
  for (const request of new Map(prepared.map((one) => [one.version, one])).values()) await saveCode(world, request);
  const created = runs.length === 0 ? [] : await create();
  for (const { replaced } of created) if (replaced !== null) await cancelChildren(world, replaced);
  return created.map(({ run }) => handleOf(run, options)) as never;
}

async function createAll(world: World, runs: readonly NewRun[]): Promise<CreatedRun[]> {
  // One call must do for all, and a run that begins later is nobody's until then.
  const isNow = runs.every(({ dueAt }) => dueAt === null);
  return isNow ? createOwned(world, runs, await workerOf(world)) : world.createRuns(runs);
}

/** Checks all before anything is written. */
function prepare(requests: readonly unknown[]): PreparedStart[] {
  if (!Array.isArray(requests)) throw new PerdureError("INVALID_ARGUMENT", "startMany() takes a list of [workflow, args, options].");
  if (requests.length > most) {
    throw new PerdureError(
      "INVALID_ARGUMENT",
      `startMany() was given ${requests.length} runs; it starts at most ${most} at once, all or none. Give the runs ids and start them in several calls.`,
    );
  }
  return requests.map((request: unknown, index) => {
    if (!Array.isArray(request))
      throw new PerdureError("INVALID_ARGUMENT", `requests[${index}] of startMany() is not [workflow, args, options].`);
    const [workflow, args, options = {}] = request as [unknown, unknown, StartOptions?];
    if (options.ifExists === "fail") {
      throw new PerdureError(
        "INVALID_ARGUMENT",
        `requests[${index}] of startMany() says ifExists: "fail", which would leave the others started: use "return", or start() for it.`,
      );
    }
    return prepareStart(workflow, args, options);
  });
}
