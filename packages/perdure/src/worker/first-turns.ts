/**
 * First turns of runs that are about to be created for this worker.
 *
 * A run's first turn follows from the run's record alone, as long as its time does, too (`deferral.ts`): it need not wait until the run is there. What it comes to is stored with the
 * run, in one transaction, where it is rows, a due time and hooks: a run that first sleeps, or waits for a hook, is one commit and one version of its row, and its hooks can be reached when `start()`
 * resolves. Nothing that it asks for happens, and nothing that it says is seen, before the run is there; of a run that is not created nothing is left.
 *
 * Nobody waits for long who starts runs: the rest of a storm, and what would stand behind long replays, begins once it is there.
 */
import type { Beginning, CreatedRun, NewRun, RunRecord } from "@perdure/world";

import type { Event } from "../engine/event.ts";
import { monotonicNow } from "../host-timers.ts";
import type { WorkflowBundle } from "../registry.ts";
import { decodeRunInput } from "../run-input.ts";
import { commitFolded, settle } from "./commit-turns.ts";
import type { Core } from "./core.ts";
import { beginningOf, isRecent, mayBeDeferred } from "./deferral.ts";
import { watchDeadline } from "./effects.ts";
import { observed } from "./observe/observation.ts";
import { startsRuns } from "./other-runs.ts";
import { partIfCrowded } from "./parting.ts";
import { createResident, type Resident } from "./resident.ts";
import { createPlace, provenIn } from "./take-over.ts";
import { drop, handleTrouble } from "./trouble.ts";
import { closeTurn, type ClosedTurn, type Turn } from "./turn.ts";

export interface FirstTurns {
  /** The runs, with what they begin with. */
  readonly runs: readonly NewRun[];
  /**
   * Goes on with those that were created; returns what was created and not begun here.
   * @param askedAt when the call began that created them, by `monotonicNow()`
   */
  settle(created: readonly CreatedRun[], askedAt: number): readonly RunRecord[];
  /** Whether the runs were created is not known. */
  giveUp(): void;
}

/** A turn that was delivered before its run was there. */
interface FirstTurn {
  readonly resident: Resident;
  /** Null: it failed. */
  readonly turn: ClosedTurn | null;
  readonly error: unknown;
}

/** Whoever starts runs waits for this long at most, and for the turn that is under way then, ms; so many deliveries at most go before. */
const longestMs = 25;
const longestQueue = 1000;
/** How many runs go first; twice as many go next. */
const firstGroup = 10;

export async function firstTurns(core: Core, runs: readonly NewRun[]): Promise<FirstTurns> {
  const turns = new Map<string, FirstTurn>();
  const end = monotonicNow() + longestMs;
  for (let from = 0, size = firstGroup; from < runs.length; from += size, size *= 2) {
    if (core.turns.backlog > longestQueue || monotonicNow() > end) break;
    const residents = runs.slice(from, from + size).flatMap((run) => enter(core, run) ?? []);
    const delivered = residents.length > 0 ? await core.turns.take(residents) : [];
    for (const turn of delivered) turns.set(turn.resident.run.id, fold(core, turn));
  }
  return {
    runs: runs.map((run) => {
      const beginning = beginningIn(core, turns.get(run.id));
      return beginning ? { ...run, beginning } : run;
    }),
    settle: (created, askedAt) => settleAll(core, runs, turns, created, askedAt),
    giveUp() {
      for (const { resident } of turns.values()) drop(core, resident, null);
    },
  };
}

/** Makes a new run's place, its beginning ready. Null: its first turn is left until it is there. */
function enter(core: Core, run: NewRun): Resident | null {
  const { id, key, workflowId, version, input } = run;
  const decoded = decodeRunInput(input);
  const { args, deadlineAt } = decoded;
  const at = beginningOf(id, decoded);
  if (at === null || !isRecent(at) || core.stopping || core.residents.find(id)) return null;
  // It is told of its beginning and of its end together.
  if (deadlineAt !== null && deadlineAt <= Date.now()) return null;
  const code = codeOf(core, run);
  if (!code) return null;
  const record = { id, key, workflowId, version, fence: 1, createdAt: at, input, dueAt: at, note: null };
  const resident = createResident(record, decoded, core.leases.of(id));
  try {
    resident.handle = createPlace(core, resident, code) as number; // a bundle's is made at once
  } catch {
    return null; // it is told of the run that is there
  }
  core.residents.add(resident);
  resident.mode = "idle";
  const event: Event = { type: "run_started", at };
  resident.ready = [{ event, payload: args }];
  return resident;
}

/** Code that is there, as a bundle. */
function codeOf(core: Core, { workflowId, version }: NewRun): WorkflowBundle | null {
  const found = core.bundles.find(workflowId, version);
  if (found instanceof Promise) {
    found.catch(() => undefined); // it is asked for again
    return null;
  }
  return "code" in found ? found : null;
}

function fold(core: Core, turn: Turn): FirstTurn {
  const { resident } = turn;
  try {
    return { resident, turn: closeTurn(turn, core.id), error: null };
  } catch (error) {
    return { resident, turn: null, error };
  }
}

/** What can be stored with a run of its first turn; null: it is a commit like all others, or waits for one. */
function beginningIn(core: Core, first: FirstTurn | undefined): Beginning | null {
  const turn = first?.turn;
  if (!turn || turn.resident.machine.outcome || mayBeDeferred(core, turn) || startsRuns(turn.asks)) return null;
  partIfCrowded(core, turn);
  const { runId: _, fence: _fence, worker: _worker, base: _base, ...said } = turn.commit;
  const { rows, patch, hooks, ...others } = said;
  if (Object.keys(others).length > 0 || patch?.attributes) return null;
  return { rows, ...(patch && { patch }), ...(hooks && { hooks }) };
}

function settleAll(
  core: Core,
  runs: readonly NewRun[],
  turns: Map<string, FirstTurn>,
  created: readonly CreatedRun[],
  askedAt: number,
): readonly RunRecord[] {
  const left: RunRecord[] = [];
  const uncommitted: ClosedTurn[] = [];
  for (const [index, { run, created: isNew, begun }] of created.entries()) {
    const { id } = runs[index]!;
    const first = turns.get(id);
    turns.delete(id); // the same id once more in this call exists already
    if (!first) {
      if (isNew && run.owner === core.id) left.push(run);
    } else if (!isNew) drop(core, first.resident, null);
    else if (isHere(core, first.resident, run)) {
      const { resident, turn, error } = first;
      resident.provenIn = provenIn(resident, askedAt);
      Object.assign(resident.run, { createdAt: run.createdAt });
      core.observation.tell?.({ type: "run_started", ...observed(resident.run) });
      watchDeadline(core, resident);
      if (!turn) void handleTrouble(core, resident, error);
      else if (begun) settle(core, turn, begun, resident.provenIn);
      else uncommitted.push(turn);
    }
  }
  void commitFolded(core, uncommitted);
  return left;
}

/** The worker may have ended meanwhile, or have claimed the run: then another copy of it is here. */
function isHere(core: Core, { mode }: Resident, { id, fence }: RunRecord): boolean {
  if (mode !== "dropped") return true;
  core.releases.add({ runId: id, fence });
  return false;
}
