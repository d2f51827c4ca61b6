import type { AnswerStatus, Await } from "../index.ts";
import { ANSWER_KIND, answerId, answerPayload } from "../index.ts";
import { receive } from "./messages.ts";
import type { Store, StoredRun } from "./store.ts";

/** Notes what an open run awaits, or answers at once where the awaited run is over already, or unknown. */
export function addAwaits(store: Store, run: StoredRun, awaits: readonly Await[]): void {
  if (run.status !== "running") return;
  for (const { operation, run: by } of awaits) {
    if (run.awaits.has(operation) || run.delivered.has(answerId(operation))) continue;
    const awaited = lastOf(store, "id" in by ? store.runs.get(by.id) : store.keys.get(by.key));
    if (awaited === undefined) answer(store, run, operation, "not_found", null);
    else if (awaited.status !== "running") answer(store, run, operation, awaited.status, awaited.output);
    else {
      const pending = { run, operation, awaited };
      run.awaits.set(operation, pending);
      awaited.awaiters.add(pending);
    }
  }
}

/** The run that goes on in a run's place in the end; itself when it has no successor. */
function lastOf(store: Store, run: StoredRun | undefined): StoredRun | undefined {
  let last = run;
  while (last !== undefined && last.successor !== null) last = store.runs.get(last.successor);
  return last;
}

/** Tells everybody who awaits a run that it is over. */
export function answerAwaits(store: Store, ended: StoredRun): void {
  if (ended.status === "running") return;
  for (const { run, operation } of ended.awaiters) {
    run.awaits.delete(operation);
    answer(store, run, operation, ended.status, ended.output);
  }
  ended.awaiters.clear();
}

/** Lets everybody who awaits a run await its successor. */
export function moveAwaits(run: StoredRun, successor: StoredRun): void {
  for (const pending of run.awaiters) {
    pending.awaited = successor;
    successor.awaiters.add(pending);
  }
  run.awaiters.clear();
}

function answer(store: Store, run: StoredRun, operation: string, status: AnswerStatus, output: Uint8Array | null): void {
  receive(store, run, { id: answerId(operation), kind: ANSWER_KIND, operation, payload: answerPayload(status, output) });
}
