import type { NewRun, ReceivedMessage } from "../index.ts";
import { toAttributes } from "../index.ts";
import { moveAwaits } from "./awaits.ts";
import { receive } from "./messages.ts";
import { createRun } from "./runs.ts";
import type { Store, StoredRun } from "./store.ts";

/** The unconsumed messages of a run that its successor is to have: those addressed to the run itself. */
export function inheritedMessages(run: StoredRun): ReceivedMessage[] {
  return [...run.waiting.values()].filter(({ operation }) => operation === null);
}

/** Creates the run that goes on in the place of one that has just ended. */
export function succeed(store: Store, run: StoredRun, successor: NewRun, messages: readonly ReceivedMessage[]): void {
  const { key, parent } = run;
  const attributes = successor.attributes ?? toAttributes(run.attributes);
  run.key = null;
  if (key !== null) store.keys.delete(key);
  createRun(store, { ...successor, key, parent, attributes }, null);
  run.successor = successor.id;
  const stored = store.runs.get(successor.id)!;
  for (const message of messages) receive(store, stored, message);
  moveAwaits(run, stored);
}
