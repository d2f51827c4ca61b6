/** What a turn says to the World: its rows, and what they mean for everything else that the World holds of the run. */
import type { Commit, HookRecord, RunPatch, StateWrite } from "@perdure/world";

import { dueAtOf } from "../engine/commands.ts";
import type { Ask } from "../engine/event.ts";
import type { ReplyWrite } from "../engine/requests.ts";
import { replyKey } from "../published.ts";
import { toBytes } from "../run-input.ts";
import { describeError, markOf, noteOf } from "./note.ts";
import { awaitsOf, messagesOf } from "./other-runs.ts";
import type { Resident } from "./resident.ts";

/** What the events of a turn came to. */
export interface Folded {
  readonly rows: readonly Uint8Array[];
  readonly asks: readonly Ask[];
  readonly consumed: readonly string[];
  readonly replies: readonly ReplyWrite[];
}

export function commitOf(resident: Resident, worker: string, { rows, asks, consumed, replies }: Folded): Commit {
  const commit: { -readonly [K in keyof Commit]: Commit[K] } = {
    runId: resident.run.id,
    fence: resident.run.fence,
    worker,
    base: resident.committed,
    rows: withDeferred(resident, rows),
  };
  const patch = patchOf(resident);
  if (patch) commit.patch = patch;
  if (consumed.length > 0) commit.consumed = consumed;
  if (!resident.machine.outcome && replies.length === 0 && asks.every(isOfTheOwner)) return commit;
  const attributes = attributesOf(asks);
  if (attributes) commit.patch = { ...patch, attributes };
  const state = asks.flatMap((ask): StateWrite[] =>
    ask.kind === "state" ? [{ key: ask.key, value: ask.value === "" ? null : toBytes(ask.value) }] : [],
  );
  for (const { message, value } of replies) state.push({ key: replyKey(message), value: value === null ? null : toBytes(value) });
  if (state.length > 0) commit.state = state;
  if (asks.some((ask) => ask.kind === "hook" || ask.kind === "dispose")) Object.assign(commit, hooksOf(asks));
  const messages = messagesOf(asks, resident.machine);
  if (messages.length > 0) commit.messages = messages;
  const awaits = awaitsOf(asks);
  if (awaits.length > 0) commit.awaits = awaits;
  return commit;
}

/** The rows of a commit that begins with what was deferred. */
export function withDeferred(resident: Resident, rows: readonly Uint8Array[]): readonly Uint8Array[] {
  const { deferred } = resident;
  if (deferred === null) return rows;
  resident.deferred = null;
  return [...deferred, ...rows];
}

/** Steps and waits are the owner's to begin: most turns ask for nothing else, and say nothing more to the World. */
function isOfTheOwner({ kind }: Ask): boolean {
  return kind === "step" || kind === "wait";
}

function attributesOf(asks: readonly Ask[]): RunPatch["attributes"] | null {
  const changes = asks.flatMap((ask) =>
    ask.kind === "attributes" ? [JSON.parse(ask.changes) as NonNullable<RunPatch["attributes"]>] : [],
  );
  return changes.length === 0 ? null : Object.assign({}, ...changes);
}

function hooksOf(asks: readonly Ask[]): Pick<Commit, "hooks" | "disposedHooks"> {
  const disposed = new Set(asks.flatMap((ask) => (ask.kind === "dispose" ? [ask.op] : [])));
  const hooks = asks.flatMap((ask): HookRecord[] => {
    if (ask.kind !== "hook" || disposed.has(ask.op)) return [];
    return [{ token: ask.token, operation: ask.op, metadata: ask.metadata === "" ? null : toBytes(ask.metadata) }];
  });
  return { ...(hooks.length > 0 && { hooks }), ...(disposed.size > 0 && { disposedHooks: [...disposed] }) };
}

/**
 * The change of the run's row, if there is one. While attempts follow one another the row stays "due at once" and is not written: a step costs one
 * history row and nothing else.
 */
export function patchOf({ machine, rowDueAt, rowNoteMark }: Resident): RunPatch | null {
  const { outcome, now } = machine;
  if (outcome?.status === "completed") return { status: "completed", output: toBytes(outcome.value), note: null };
  if (outcome?.status === "continued") return { status: "completed", output: null, note: `goes on in run ${outcome.runId}` };
  if (outcome) return { status: outcome.status, output: toBytes(outcome.error), note: describeError(outcome.error) };
  const due = dueAtOf(machine);
  const isSame = due !== null && due <= now ? rowDueAt !== null && rowDueAt <= now : due === rowDueAt;
  const note = noteOf(machine);
  if (isSame && markOf(note) === rowNoteMark) return null;
  return { dueAt: due, note };
}
