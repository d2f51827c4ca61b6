/**
 * Sagas: a part of a workflow that undoes what it has done when it fails.
 *
 * The part runs in a scope of its own, which is cancelled when it fails, so that nothing of it goes on while it is undone. Compensations run one after another, the
 * latest first, behind a shield: a run that is cancelled undoes its sagas too.
 */
import { PerdureError } from "../../errors/perdure-error.ts";
import type { Compensate } from "../../saga.ts";
import { Continuation } from "./runs.ts";
import { checkPart, scope, shield } from "./waits.ts";

type Undo = () => unknown;

/** See `saga` of `perdure`. */
export async function saga<T>(part: (compensate: Compensate) => Promise<T> | T): Promise<T> {
  checkPart(part, "saga(part)");
  const undos: Undo[] = [];
  let isOver = false;
  const compensate = (undo: Undo): void => {
    checkPart(undo, "compensate(undo)");
    if (!isOver) undos.push(undo);
    else throw new PerdureError("INVALID_ARGUMENT", "compensate() was called after its saga was over: await all that the saga does in it.");
  };
  try {
    return await scope({}, async (own) => {
      try {
        return await part(compensate);
      } catch (error) {
        own.cancel(error);
        throw error;
      }
    });
  } catch (error) {
    // To go on in a new run is no failure.
    if (error instanceof Continuation) throw error;
    const failures = await shield(() => undoAll(undos));
    if (failures.length === 0) throw error;
    throw new AggregateError(failures, `${describe(failures.length)} of a saga failed: ${lineOf(failures[0])}`, { cause: error });
  } finally {
    isOver = true;
  }
}

/** What is added meanwhile is undone too. Returns what the undoing threw. */
async function undoAll(undos: Undo[]): Promise<unknown[]> {
  const failures: unknown[] = [];
  for (let undo = undos.pop(); undo; undo = undos.pop()) {
    try {
      await undo();
    } catch (error) {
      failures.push(error);
    }
  }
  return failures;
}

const describe = (count: number): string => (count === 1 ? "A compensation" : `${count} compensations`);

const lineOf = (error: unknown): string => (error instanceof Error ? `${error.name}: ${error.message}` : String(error));
