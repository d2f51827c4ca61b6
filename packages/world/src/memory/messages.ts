import type { Delivery, HistoryPage, Message, ReceivedMessage } from "../index.ts";
import { assertCount, assertMessages, WorldError } from "../index.ts";
import { copy, setDue, type Store, type StoredHook, type StoredRun, waitingMessages } from "./store.ts";

/** {@link World.deliver} */
export function deliver(store: Store, messages: readonly Message[]): Delivery[] {
  assertMessages(messages);
  return messages.map((message) => deliverOne(store, message));
}

function deliverOne(store: Store, message: Message): Delivery {
  const { id, to, kind, payload } = message;
  const hook = "token" in to ? store.tokens.get(to.token) : undefined;
  const run = receiverOf(store, to, hook);
  if (run === undefined) return { status: "not_found" };
  if (run.delivered.has(id)) return { status: "duplicate", runId: run.id };
  if (run.successor !== null) return deliverOne(store, { id, to: { runId: run.successor }, kind, payload });
  if (!receive(store, run, { id, kind, operation: hook?.operation ?? null, payload })) return { status: "ended", runId: run.id };
  return { status: "delivered", runId: run.id };
}

/** Gives a message to an open run that never had one with this id; returns whether it did. */
export function receive(store: Store, run: StoredRun, { id, kind, operation, payload }: Omit<ReceivedMessage, "runId">): boolean {
  if (run.status !== "running" || run.delivered.has(id)) return false;
  run.delivered.set(id, operation);
  run.waiting.set(id, { runId: run.id, id, kind, operation, payload: copy(payload) });
  setDue(run, run.dueAt, store.now());
  store.hints.due();
  return true;
}

function receiverOf(store: Store, to: Message["to"], hook: StoredHook | undefined): StoredRun | undefined {
  if ("key" in to) return store.keys.get(to.key);
  const runId = "token" in to ? hook?.runId : to.runId;
  return runId === undefined ? undefined : store.runs.get(runId);
}

/** {@link World.load} */
export function load(store: Store, runId: string, after: number, limit: number | undefined): HistoryPage {
  assertCount("The start of a history page", after, 0);
  if (limit !== undefined) assertCount("The limit of a history page", limit, 1);
  const run = store.runs.get(runId);
  if (run === undefined) throw new WorldError("RUN_NOT_FOUND", `There is no run ${runId}.`, { hint: "Check the id of the run." });
  const rows = run.history.slice(after, limit === undefined ? undefined : after + limit);
  return {
    rows: rows.map(({ data }, index) => ({ seq: after + index + 1, data: copy(data) })),
    hooks: [...run.hooks.values()].map(({ token, operation, metadata }) => ({
      token,
      operation,
      metadata: metadata === null ? null : copy(metadata),
    })),
    messages: waitingMessages(run),
  };
}
