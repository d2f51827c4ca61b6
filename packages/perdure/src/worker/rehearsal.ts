/** Executes histories on any code without going on with them: nothing is written, no step is attempted, no World is needed. */
import type { RunRecord } from "@perdure/world";

import { Divergence, type Machine } from "../engine/machine.ts";
import type { Row } from "../engine/row.ts";
import type { WorkflowBundle, WorkflowInPlace } from "../registry.ts";
import { decodeRunInput } from "../run-input.ts";
import { createRealms } from "../sandbox/realms.ts";
import type { SourcePosition } from "../source-position.ts";
import { positionOf } from "../source-positions.ts";
import { differenceOfStates, type Found } from "./compare-states.ts";
import { resolveWorkerOptions } from "./options.ts";
import { readRows, replay } from "./replay.ts";
import { createResident, type Resident } from "./resident.ts";
import { createSources } from "./sources.ts";
import { createTurns } from "./turns.ts";

export type Code = WorkflowBundle | WorkflowInPlace;

/** Where two codes, or a history and a code, first do something else. */
export interface Difference {
  /** The row of history, from 0, on whose event it happens. */
  readonly row: number;
  /** What the history has there, as it names operations. */
  readonly recorded: string;
  /** What the code does instead. */
  readonly actual: string;
  /** The call in the code that made the history; null where that is not known, or where it makes none. */
  readonly recordedAt: SourcePosition | null;
  /** The call in the code that was tried. */
  readonly actualAt: SourcePosition | null;
}

/** A run to be rehearsed: its record and all of its rows. */
export interface Rehearsed {
  readonly run: RunRecord;
  readonly rows: readonly Row[];
}

export interface Rehearsal {
  /**
   * Whether a run goes on with `code` as if it had begun with it: the history and what it leaves open are the same as with `own`, the code that made it.
   * @throws what stops one of them, Divergence too
   */
  isSame(rehearsed: Rehearsed, code: Code, own: Code): Promise<boolean>;
  /**
   * The first difference between what a run did and what it would have done with `code`; null: it goes on with it as if it had begun with it.
   * @param own the code that made the history, for what a history does not hold (the input of a step that has no answer yet, say) and for places in the source; null: it is lost
   * @throws what stops the code
   */
  compare(rehearsed: Rehearsed, code: Code, own: Code | null): Promise<Difference | null>;
  /** The same, and the state to which the history brings the code: with a difference, the one in which that showed. */
  rehearse(rehearsed: Rehearsed, code: Code, own: Code | null): Promise<Rehearsing>;
}

/** What a rehearsal comes to. */
export interface Rehearsing {
  readonly difference: Difference | null;
  readonly machine: Machine;
}

/** @param isPlaced whether the World says where runs live, see `createSources` */
export function createRehearsal(isPlaced: boolean): Rehearsal {
  const residents = new Map<string, Resident>();
  const { watchdogMs } = resolveWorkerOptions({});
  const realm = createRealms({ watchdogMs, sources: createSources((runId) => residents.get(runId), isPlaced) });
  const turns = createTurns(realm, () => undefined);

  /** Calls `look` with the run as its last row left it, or as the row left it with which the code disagrees. */
  async function execute<T>(
    code: Code,
    { run, rows }: Rehearsed,
    isTraced: boolean,
    look: (resident: Resident, failure: unknown) => T,
  ): Promise<T> {
    const input = decodeRunInput(run.input);
    const resident = createResident(run, input, nobodys);
    residents.set(run.id, resident);
    try {
      const made = realm.create(code, {
        id: run.id,
        name: run.key ?? run.id,
        workflowId: run.workflowId,
        seed: input.seed,
        maxValueBytes: input.maxValueBytes,
      });
      resident.handle = typeof made === "number" ? made : await made;
      if (isTraced) realm.trace(resident.handle);
      const failure = await replay(realm, turns, resident, rows, input.args, input.reseeds).then(
        () => null,
        (error: unknown) => error,
      );
      return look(resident, failure);
    } finally {
      if (resident.handle !== 0) realm.drop(resident.handle);
      if (residents.get(run.id) === resident) residents.delete(run.id);
    }
  }

  /** The state to which a history brings code. @throws Divergence where they disagree, and whatever stops the code (WATCHDOG_TIMEOUT, PROTOCOL_UNSUPPORTED, …) */
  const stateOf = (code: Code, rehearsed: Rehearsed): Promise<Machine> =>
    execute(code, rehearsed, false, ({ machine }, failure) => {
      if (failure !== null) throw failure;
      return machine;
    });

  /** The stack where code asks for something: `index` counts what the row records. */
  function stackOf(code: Code, { run, rows }: Rehearsed, { row, index }: Found): Promise<string> {
    return execute(code, { run, rows: rows.slice(0, row + 1) }, true, ({ handle }) => realm.stacks(handle)[index] ?? "");
  }

  async function located(rehearsed: Rehearsed, found: Found, code: Code, own: Code | null): Promise<Difference> {
    const { workflowId } = rehearsed.run;
    const { row, recorded, actual } = found;
    const recordedStack = own && (await stackOf(own, rehearsed, found).catch(() => null));
    const actualStack = await stackOf(code, rehearsed, found).catch(() => "");
    return {
      row,
      recorded,
      actual: actual === "failed" ? `failed: ${headlineOf(actualStack)}` : actual,
      recordedAt: own && positionOf(recordedStack ?? "", frameOf(recorded), workflowId, own),
      actualAt: positionOf(actualStack, frameOf(actual), workflowId, code),
    };
  }

  async function rehearse(rehearsed: Rehearsed, code: Code, own: Code | null): Promise<Rehearsing> {
    const { machine, failure } = await execute(code, rehearsed, false, ({ machine }, failure) => ({ machine, failure }));
    if (failure instanceof Divergence)
      return { machine, difference: await located(rehearsed, { ...sidesOf(failure), row: machine.length }, code, own) };
    if (failure !== null) throw failure;
    // Where its own code does not do what the history says, there is nothing to compare with.
    const before = own && (await stateOf(own, rehearsed).catch(() => null));
    const found = before && differenceOfStates(before, machine, rehearsed.rows);
    return { machine, difference: found && (await located(rehearsed, found, code, own)) };
  }

  return {
    async isSame(rehearsed, code, own) {
      return differenceOfStates(await stateOf(own, rehearsed), await stateOf(code, rehearsed), rehearsed.rows) === null;
    },
    compare: async (rehearsed, code, own) => (await rehearse(rehearsed, code, own)).difference,
    rehearse,
  };
}

/** What compiled code has in the place of a step is the innermost frame; the call is around it. */
const frameOf = (side: string): number => (side.startsWith("step ") ? 1 : 0);

const longestHeadline = 200;

const headlineOf = (stack: string): string => (stack.split("\n", 1)[0] ?? "").slice(0, longestHeadline);

const sidesOf = ({ index, recorded, actual }: Divergence): Omit<Found, "row"> => ({ index, recorded, actual });

/** No worker has the run. */
const nobodys = { lapses: 0, lapsedAt: 0, hasLapsed: () => false };

/** What a World holds of a run. */
export function rehearsedOf(run: RunRecord, rows: readonly { readonly data: Uint8Array }[]): Rehearsed {
  return { run, rows: readRows(rows) };
}
