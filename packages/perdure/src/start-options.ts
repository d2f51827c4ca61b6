/** What is said of a run at its start, on the host and in workflow code. */
import type { World } from "@perdure/world";

import { durationMs, type Duration } from "./duration.ts";
import { PerdureError } from "./errors/perdure-error.ts";
import { checkAttributes } from "./published.ts";

export interface StartOptions {
  /**
   * Your own name for the run, 1 to 512 characters, unique in the World. Starting it again returns the run that exists, whatever its arguments
   * were: a start that is retried happens once.
   */
  readonly id?: string;
  /**
   * What becomes of a start whose `id` another run has. `return` (default): that run is what `start()` gives, whatever its arguments were. `fail`: RUN_ALREADY_EXISTS.
   * `replace`: that run, if it is still open, ends as cancelled at once, without cleaning up, its children are asked to end, and the new one takes the id over.
   */
  readonly ifExists?: "return" | "fail" | "replace";
  /** When the run begins, at the earliest: a time, or how long from now. Default: now. */
  readonly startAt?: Date | Duration;
  /** When the run is asked to end as by `run.cancel()`, with a TimeoutError as the reason: a time, or how long from now. A run that begins later does nothing. Default: never. */
  readonly deadline?: Date | Duration;
  /** What the run can be found by; see `setAttributes`. */
  readonly attributes?: Readonly<Record<string, string | number | boolean>>;
  /**
   * Which version of the workflow's code: the hash of one that was started before and that the World still has, as `run.version` of events and the World's records name it. Its steps
   * are those of the worker. Default: `"current"`, the version of this process. Not in workflow code.
   */
  readonly version?: string;
  /**
   * The World in which the run is started, instead of the process's own; it must have been set up. The handle belongs to it. This process's worker does not execute
   * the runs of other Worlds: some process whose own it is must. Not in workflow code.
   */
  readonly world?: World;
  /**
   * A connection of your own to the database in which the World keeps its runs, with an open transaction: a client of `pg`, say. The run exists when that commits, with whatever else it
   * writes, and was never there when it is rolled back. Needs a World that can do so (PostgreSQL). Not with streams among the arguments or `ifExists: "replace"`, and not in workflow code.
   */
  readonly client?: DatabaseClient;
  /**
   * In workflow code: what becomes of the run when the one that starts it ends. `cancel` (default): it is asked to end; it is a child of that run. `abandon`: it goes on, and
   * is nobody's child.
   */
  readonly parentClosePolicy?: "cancel" | "abandon";
}

/** A connection to a database, such as a client of `pg`. */
export interface DatabaseClient {
  query(...args: never[]): unknown;
}

/** The same, checked; times are ms since the epoch. */
export interface StartSettings {
  readonly key: string | null;
  readonly ifExists: "return" | "fail" | "replace";
  readonly dueAt: number | null;
  readonly deadlineAt: number | null;
  readonly attributes: Readonly<Record<string, string | number | boolean>> | null;
  readonly parentClosePolicy: "cancel" | "abandon";
}

/** @param now what durations count from  @throws INVALID_ARGUMENT */
export function readStartOptions(options: StartOptions, now: number): StartSettings {
  const { attributes } = options;
  if (attributes !== undefined) checkAttributes(attributes, "start()");
  return {
    key: keyOf(options.id),
    ifExists: oneOf("ifExists", options.ifExists, ["return", "fail", "replace"]),
    dueAt: timeOf("startAt", options.startAt, now),
    deadlineAt: timeOf("deadline", options.deadline, now),
    attributes: attributes ?? null,
    parentClosePolicy: oneOf("parentClosePolicy", options.parentClosePolicy, ["cancel", "abandon"]),
  };
}

/** @throws INVALID_ARGUMENT */
export function checkArgs(args: unknown): unknown[] {
  if (Array.isArray(args)) return args;
  throw new PerdureError("INVALID_ARGUMENT", "start(workflow, args) takes the workflow's arguments as an array: start(fulfil, [order]).");
}

function keyOf(id: unknown): string | null {
  if (id === undefined) return null;
  if (typeof id === "string" && id.length > 0 && id.length <= 512) return id;
  throw new PerdureError("INVALID_ARGUMENT", "start(workflow, args, { id }) takes a string of 1 to 512 characters.");
}

function oneOf<T extends string>(name: string, given: unknown, choices: readonly [T, ...T[]]): T {
  if (given === undefined) return choices[0];
  const found = choices.find((choice) => choice === given);
  if (found) return found;
  const all = choices.map((choice) => `"${choice}"`);
  const list = `${all.slice(0, -1).join(", ")} or ${all.at(-1)}`;
  throw new PerdureError("INVALID_ARGUMENT", `start(workflow, args, { ${name} }) is ${list}, not ${JSON.stringify(given)}.`);
}

/** A time as milliseconds since the epoch. */
function timeOf(name: string, time: Date | Duration | undefined, now: number): number | null {
  if (time === undefined) return null;
  const at = time instanceof Date ? time.getTime() : Math.ceil(now + durationMs(time));
  if (Number.isFinite(at)) return at;
  throw new PerdureError("INVALID_ARGUMENT", `start(workflow, args, { ${name} }) was given an invalid Date.`);
}
