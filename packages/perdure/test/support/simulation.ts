/**
 * Runs one workflow without a World and without time: the real realm, turns, machine and replay, and a seeded driver in place of worker and clock that
 * decides which pending operation is answered next, how, and how many answers come in one turn.
 */
import type { RunRecord } from "@perdure/world";

import { decode, encode } from "../../src/codec/index.ts";
import { commandsOf, type Commands } from "../../src/engine/commands.ts";
import type { Outcome } from "../../src/engine/machine.ts";
import { decodeRow, type Row } from "../../src/engine/row.ts";
import { toText } from "../../src/run-input.ts";
import type { WorkflowBundle, WorkflowInPlace } from "../../src/registry.ts";
import { inPlace } from "../../src/sandbox/module-graph/index.ts";
import { workflowModule } from "../../src/sandbox/kernel/workflow-module.ts";
import type { WorkflowCall } from "../../src/sandbox/realm.ts";
import { createRealms } from "../../src/sandbox/realms.ts";
import type { ReadyEvent } from "../../src/worker/ready-event.ts";
import { createResident, type Resident } from "../../src/worker/resident.ts";
import { replay } from "../../src/worker/replay.ts";
import { closeTurn, type Turn } from "../../src/worker/turn.ts";
import { createSources } from "../../src/worker/sources.ts";
import { createTurns, type Turns } from "../../src/worker/turns.ts";
import { bundleOf } from "./bundle.ts";

const ownSeed = "00112233445566778899aabbccddeeff";
let onDelivered: (turn: Turn) => void = () => undefined;
const realm = createRealms({ watchdogMs: 5000, sources: createSources(() => ({ seed: ownSeed, address: null })) });
const turns: Turns = createTurns(realm, (delivered) => delivered.forEach((turn) => onDelivered(turn)));

/** Where a program runs: in the sandbox realm, or among the modules of this process. */
export type Place = "sandbox" | "module graph";

/** The state after a turn. */
export interface Snapshot {
  readonly length: number;
  readonly commands: Commands;
  readonly outcome: unknown;
}

export interface Simulated {
  readonly rows: readonly Row[];
  readonly snapshots: readonly Snapshot[];
  readonly stepsAsked: number;
}

/** A source of choices: integers in [0, below). */
export type Choose = (below: number) => number;

/** A small seeded generator (mulberry32), so that a failure's seed is enough to see it again. */
export function chooser(from: number): Choose {
  let state = from | 0;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * below);
  };
}

/** Executes to the end, resident all the time. `snapshotEvery`: rows between two snapshots. */
export async function runResident(program: string, choose: Choose, snapshotEvery: number, where: Place = "sandbox"): Promise<Simulated> {
  const resident = await place(program, where);
  const rows: Row[] = [];
  const snapshots: Snapshot[] = [];
  let stepsAsked = 0;
  let now = 1_800_000_000_000;
  resident.mode = "idle";
  resident.ready = [{ event: { type: "run_started" }, payload: encode([], "args") }];
  while (!resident.machine.outcome) {
    const closed = await deliver(resident, (now += 1 + choose(1000)));
    stepsAsked += closed.asks.filter((ask) => ask.kind === "step").length;
    for (const data of closed.commit.rows) rows.push(decodeRow(toText(data)));
    if (snapshots.length === 0 || rows.length - (snapshots.at(-1)?.length ?? 0) >= snapshotEvery) snapshots.push(snapshot(resident));
    if (resident.machine.outcome) break;
    resident.ready = nextAnswers(commandsOf(resident.machine), choose, now);
  }
  snapshots.push(snapshot(resident));
  realm.drop(resident.handle);
  return { rows, snapshots, stepsAsked };
}

/** Rebuilds the run from a prefix of its history and returns the state. */
export async function runReplay(program: string, rows: readonly Row[], where: Place = "sandbox", seed = ownSeed): Promise<Snapshot> {
  const resident = await place(program, where, seed);
  await replay(realm, turns, resident, rows, encode([], "args"));
  const state = snapshot(resident);
  realm.drop(resident.handle);
  return state;
}

async function place(program: string, where: Place, seed = ownSeed): Promise<Resident> {
  const code = where === "sandbox" ? bundleOf(program) : moduleOf(program);
  const run = {
    id: "run",
    workflowId: "simulated",
    version: code.version,
    dueAt: null,
    note: null,
    fence: 1,
    input: new Uint8Array(),
  } as unknown as RunRecord;
  const resident = createResident(run, { seed, deadlineAt: null, address: null }, { lapses: 0, lapsedAt: 0, hasLapsed: () => false });
  resident.handle = await realm.create(code, { id: run.id, workflowId: run.workflowId, seed });
  return resident;
}

/** The same as a bundle by hand, as a function of this process. */
function moduleOf(program: string): WorkflowBundle | WorkflowInPlace {
  return inPlace(async () => {
    // oxlint-disable-next-line no-new-func -- programs are text
    const make = new Function("__perdure", `"use strict";const{callStep,sleep,createHook}=__perdure;return ${program}`) as (
      perdure: unknown,
    ) => WorkflowCall;
    return make(workflowModule);
  });
}

function deliver(resident: Resident, now: number): Promise<ReturnType<typeof closeTurn>> {
  return new Promise((resolve, reject) => {
    const realNow = Date.now;
    Date.now = () => now;
    onDelivered = (turn) => {
      Date.now = realNow;
      try {
        const closed = closeTurn(turn, "driver");
        resident.committed += closed.commit.rows.length;
        resident.mode = "idle";
        resolve(closed);
      } catch (error) {
        reject(error as Error);
      }
    };
    turns.schedule(resident);
  });
}

function snapshot({ machine }: Resident): Snapshot {
  const outcome = machine.outcome && {
    status: machine.outcome.status,
    value: decode(valueOf(machine.outcome)),
  };
  return { length: machine.length, commands: structuredClone(commandsOf(machine)), outcome };
}

function valueOf(outcome: Outcome): string {
  if (outcome.status === "continued") return outcome.args;
  return "value" in outcome ? outcome.value : outcome.error;
}

/** One to four answers to different pending operations, in any order. */
function nextAnswers({ steps, waits, hooks }: Commands, choose: Choose, now: number): ReadyEvent[] {
  // Answers are made for the chosen only: thousands of operations may be pending.
  const pending: (() => ReadyEvent)[] = [
    ...steps.map((step) => () => answerStep(step.op, step.attempt, choose, now)),
    ...waits.map(({ op }) => (): ReadyEvent => ({ event: { type: "wait_completed", op }, payload: "" })),
    ...hooks.map(
      ({ op }) =>
        () =>
          answerHook(op, choose),
    ),
  ];
  if (pending.length === 0) throw new Error("The program waits for nothing.");
  const chosen: ReadyEvent[] = [];
  for (let count = 1 + choose(4); count > 0 && pending.length > 0; count--) {
    for (const answer of pending.splice(choose(pending.length), 1)) chosen.push(answer());
  }
  return chosen;
}

function answerHook(op: string, choose: Choose): ReadyEvent {
  return { event: { type: "hook_received", op, message: `m${choose(1e9)}` }, payload: encode(choose(100), "payload") };
}

function answerStep(op: string, attempt: number, choose: Choose, now: number): ReadyEvent {
  const fate = choose(10);
  if (fate === 0 && attempt < 3)
    return { event: { type: "step_retrying", op, attempt, dueAt: now + choose(500) }, payload: encode(new Error("again"), "error") };
  if (fate === 1) return { event: { type: "step_failed", op, attempt }, payload: encode(new RangeError(`failed ${op}`), "error") };
  return { event: { type: "step_completed", op, attempt }, payload: encode({ op, n: choose(1000) }, "result") };
}
