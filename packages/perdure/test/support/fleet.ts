/**
 * A small simulation of a whole system: a real World (in memory, each call checked), real realm, turns, machine and replay; a seeded driver in place of workers and
 * clock. One thing happens at a time, and which one depends on nothing but the committed state: so a run that loses its memory after every commit, or is fought
 * over by two workers, must come out like one that stays where it is.
 */
import { createHash } from "node:crypto";

import type { Commit, CommitResult, HistoryPage, ReceivedMessage, World } from "@perdure/world";
import { checkedWorld } from "@perdure/world/conformance";
import { createMemoryWorld } from "@perdure/world/memory";

import { decode, encode } from "../../src/codec/index.ts";
import { commandsOf } from "../../src/engine/commands.ts";
import { decodeRunInput, encodeRunInput, toBytes, toText } from "../../src/run-input.ts";
import { createRealms } from "../../src/sandbox/realms.ts";
import { createBundles, type Bundles } from "../../src/worker/bundles.ts";
import { cancelMessage, runsOf, startsRuns } from "../../src/worker/other-runs.ts";
import type { ReadyEvent } from "../../src/worker/ready-event.ts";
import { readRows, replay } from "../../src/worker/replay.ts";
import { createResident, type Resident } from "../../src/worker/resident.ts";
import { createSources } from "../../src/worker/sources.ts";
import { eventOf } from "../../src/worker/messages.ts";
import { unsaid } from "../../src/worker/take-over.ts";
import { closeTurn, type ClosedTurn, type Turn } from "../../src/worker/turn.ts";
import { createTurns, type Turns } from "../../src/worker/turns.ts";
import { markOf } from "../../src/worker/note.ts";
import { bundleOf, workflowOf } from "./bundle.ts";
import type { Program } from "./run-programs.ts";
import { chooser, type Choose } from "./simulation.ts";

/** `resident`: nothing goes wrong. `crash`: the process ends after every commit, before some, and sometimes before the answer arrives. `steal`: two workers fight over every run. */
export type Weather = "resident" | "crash" | "steal";

const seeds = new Map<string, string>();
const waiting = new Map<Resident, (turn: Turn) => void>();
const realm = createRealms({ watchdogMs: 20_000, sources: createSources((runId) => ({ seed: seeds.get(runId) ?? "", address: null })) });
const turns: Turns = createTurns(realm, (delivered) => {
  for (const turn of delivered) waiting.get(turn.resident)?.(turn);
});

/** All that can be told of a run at the end. */
export interface Ending {
  readonly run: unknown;
  readonly rows: readonly string[];
  readonly state: readonly unknown[];
}

/** So many turns are enough; a program that goes on is looked at as it is then. */
const mostTurns = 150;
const mostPayloads = 3;

/** Executes a program and returns how all of its runs ended, by their order. */
export async function runFleet(program: Program, weather: Weather): Promise<Ending[]> {
  const fleet = new Fleet(program, weather);
  return fleet.run();
}

interface Candidate {
  readonly runId: string;
  /** Null: the run begins. */
  readonly ready: (() => ReadyEvent) | null;
  readonly dueAt?: number;
}

class Fleet {
  readonly #program: Program;
  readonly #weather: Weather;
  readonly #world: World;
  readonly #bundles: Bundles;
  readonly #choose: Choose;
  /** Decides what goes wrong, apart from what happens. */
  readonly #mishap: Choose;
  readonly #order: string[] = [];
  /** What each run has pending, as of its last commit. */
  readonly #pending = new Map<string, ReturnType<typeof commandsOf>>();
  readonly #isOver = new Set<string>();
  readonly #args = new Map<string, string>();
  readonly #copies = new Map<string, Resident>();
  readonly #fences = new Map<string, { readonly worker: string; readonly fence: number }>();
  /** The clock of whoever delivers; ahead of the real one, which therefore is never asked. */
  #now = 4_000_000_000_000;
  /** How far the World's clock is ahead of it. */
  #skew = 0;
  #turn = 0;
  #workers = 0;
  #messages = 0;
  /** How many payloads each hook was sent. */
  readonly #sent = new Map<string, number>();

  constructor(program: Program, weather: Weather) {
    this.#program = program;
    this.#weather = weather;
    const world = createMemoryWorld({ now: () => this.#now + this.#skew });
    // Its calls are the same in any weather, and checking them costs as much as all the rest.
    this.#world = weather === "resident" ? checkedWorld(world) : world;
    this.#bundles = createBundles(this.#world);
    this.#choose = chooser(program.seed);
    this.#mishap = chooser(program.seed + 1);
  }

  async run(): Promise<Ending[]> {
    await this.#world.setup();
    await this.#begin();
    for (; this.#turn < mostTurns; this.#turn++) {
      this.#now += 1 + this.#choose(300);
      await this.#interfere();
      let candidates = await this.#candidates();
      if (candidates.length === 0 && (await this.#sendPayload())) candidates = await this.#candidates();
      const chosen = candidates[this.#choose(candidates.length)];
      if (!chosen) break;
      if (chosen.dueAt !== undefined) this.#now = Math.max(this.#now, chosen.dueAt);
      await this.#happen(chosen);
    }
    for (const copy of this.#copies.values()) realm.drop(copy.handle);
    return Promise.all(this.#order.map((id) => this.#ending(id)));
  }

  async #begin(): Promise<void> {
    const name = `fleet-${createHash("sha256").update(this.#program.texts.join()).digest("hex").slice(0, 16)}`;
    const flows = this.#program.texts.map((text, index) => workflowOf(`${name}#${index}`, text));
    const bundle = bundleOf(this.#program.texts[0] ?? "");
    await this.#bundles.save(bundle);
    const id = "00000000-0000-7000-8000-000000000000";
    const input = encodeRunInput({
      seed: "00112233445566778899aabbccddeeff",
      args: encode([flows, 0, 0], "args"),
      deadlineAt: null,
      address: null,
    });
    await this.#world.createRuns([{ id, key: null, workflowId: `${name}#0`, version: bundle.version, input, dueAt: null }]);
    this.#order.push(id);
  }

  /** What comes from outside: a request to end, a payload for a hook that waits. */
  async #interfere(): Promise<void> {
    const first = this.#order[0] ?? "";
    if (this.#turn === this.#program.cancelAfter && this.#turn > 0) {
      await this.#world.deliver([cancelMessage({ runId: first }, encode("by the driver", "reason"))]);
    }
    if (this.#choose(3) === 0) await this.#sendPayload();
  }

  /** To one of the hooks, if there is one. */
  async #sendPayload(): Promise<boolean> {
    const living = this.#order.filter((id) => !this.#isOver.has(id));
    const tokens = living.flatMap((id) => (this.#pending.get(id)?.hooks ?? []).map(({ token }) => token));
    const wanting = tokens.filter((token) => (this.#sent.get(token) ?? 0) < mostPayloads);
    const token = wanting[this.#choose(wanting.length)];
    if (token === undefined) return false;
    this.#sent.set(token, (this.#sent.get(token) ?? 0) + 1);
    this.#messages++;
    await this.#world.deliver([
      { id: `m${this.#messages}`, to: { token }, kind: "hook", payload: toBytes(encode(this.#messages, "payload")) },
    ]);
    return true;
  }

  async #candidates(): Promise<Candidate[]> {
    const all: Candidate[] = [];
    for (const runId of this.#order) {
      if (this.#isOver.has(runId)) continue;
      const pending = this.#pending.get(runId);
      if (!pending) {
        all.push({ runId, ready: null });
        continue;
      }
      const [message] = (await this.#world.load(runId)).messages;
      if (message) all.push({ runId, ready: () => readyOf(message) });
      for (const step of pending.steps) all.push({ runId, ready: () => this.#answer(step.op, step.attempt) });
      for (const { op, dueAt } of pending.waits)
        all.push({ runId, dueAt, ready: () => ({ event: { type: "wait_completed", op }, payload: "" }) });
    }
    return all;
  }

  #answer(op: string, attempt: number): ReadyEvent {
    const fate = this.#choose(8);
    if (fate === 0 && attempt < 3)
      return { event: { type: "step_retrying", op, attempt, dueAt: this.#now }, payload: encode("again", "error") };
    if (fate === 1) return { event: { type: "step_failed", op, attempt }, payload: encode(errorOf(op), "error") };
    return {
      event: { type: "step_completed", op, attempt },
      payload: encode({ op: op.replace(/^.*#(?=s)/, ""), n: this.#choose(1000) }, "result"),
    };
  }

  async #happen({ runId, ready }: Candidate): Promise<void> {
    const event = ready?.() ?? null;
    if (this.#weather === "steal") await this.#stealFirst(runId, event);
    if (this.#weather === "crash" && this.#mishap(4) === 0) {
      // The process ends between the turn and its commit.
      await this.#turnOf(await this.#copy(runId), event);
      await this.#crash();
    }
    const closed = await this.#turnOf(await this.#copy(runId), event);
    let result = await this.#commit(closed.commit);
    if (this.#weather === "crash" && this.#mishap(4) === 0) {
      // The answer is lost, and the commit tried again.
      const again = await this.#commit(closed.commit);
      // (Of a run that is over nobody asks any more which of its hooks were refused.)
      if (!closed.resident.machine.outcome && JSON.stringify(again) !== JSON.stringify(result))
        throw new Error(`Tried again, the World answered ${JSON.stringify(again)}, not ${JSON.stringify(result)}.`);
      result = again;
    }
    if (result?.status !== "committed") throw new Error(`A commit of the owner was ${JSON.stringify(result)}.`);
    await this.#acknowledged(closed);
    if (this.#weather === "crash") await this.#crash();
  }

  /** Another worker delivers the same, when its lease is over already; then the owner changes, and its commit must be refused. */
  async #stealFirst(runId: string, event: ReadyEvent | null): Promise<void> {
    const closed = await this.#turnOf(await this.#copy(runId), event && structuredClone(event));
    this.#workers++;
    this.#skew += leaseMs + 1;
    await this.#claim();
    if (this.#fences.get(runId)?.fence === closed.commit.fence) throw new Error("The run was not taken over.");
    const result = await this.#commit(closed.commit);
    if (result?.status !== "fenced") throw new Error(`A commit of the former owner was ${JSON.stringify(result)}.`);
    this.#drop(runId);
  }

  async #crash(): Promise<void> {
    for (const id of this.#copies.keys()) this.#drop(id);
    await this.#world.retire(this.#worker());
    this.#fences.clear();
    this.#workers++;
  }

  #worker(): string {
    return `w${this.#workers}`;
  }

  async #claim(): Promise<void> {
    const { runs } = await this.#world.claim({ worker: this.#worker(), limit: 1000, leaseMs });
    for (const { run } of runs) this.#fences.set(run.id, { worker: this.#worker(), fence: run.fence });
  }

  #drop(runId: string): void {
    const copy = this.#copies.get(runId);
    if (copy) realm.drop(copy.handle);
    this.#copies.delete(runId);
  }

  /** The owner's copy of a run that is due, rebuilt from the World if need be. */
  async #copy(runId: string): Promise<Resident> {
    await this.#claim();
    const owned = this.#fences.get(runId);
    if (!owned) throw new Error(`The run ${runId} is due and was not given out.`);
    const known = this.#copies.get(runId);
    if (known && known.run.fence === owned.fence) return known;
    this.#drop(runId);
    const run = await this.#world.query.run({ id: runId });
    if (!run) throw new Error(`There is no run ${runId}.`);
    const input = decodeRunInput(run.input);
    seeds.set(runId, input.seed);
    this.#args.set(runId, input.args);
    const copy = createResident({ ...run, fence: owned.fence }, input, { lapses: 0, lapsedAt: 0, hasLapsed: () => false });
    const found = await this.#bundles.find(run.workflowId, run.version);
    copy.handle = await realm.create(found, { id: runId, workflowId: run.workflowId, seed: input.seed });
    const page = await this.#world.load(runId);
    const rows = readRows(page.rows);
    copy.committed = rows.length;
    await replay(realm, turns, copy, rows, input.args);
    copy.mode = "idle";
    this.#copies.set(runId, copy);
    return copy;
  }

  async #turnOf(copy: Resident, event: ReadyEvent | null): Promise<ClosedTurn> {
    const page: HistoryPage | null = event ? await this.#world.load(copy.run.id) : null;
    const first = page ? unsaid(copy, page) : [];
    copy.ready = event
      ? [...first, withOwnObject(event)]
      : [{ event: { type: "run_started" }, payload: this.#args.get(copy.run.id) ?? "" }];
    const closed = await this.#deliver(copy);
    if (startsRuns(closed.asks)) Object.assign(closed.commit, await runsOf(copy, closed.asks, this.#bundles));
    return closed;
  }

  #deliver(copy: Resident): Promise<ClosedTurn> {
    return new Promise((resolve, reject) => {
      waiting.set(copy, (turn) => {
        waiting.delete(copy);
        try {
          resolve(closeTurn(turn, this.#fences.get(copy.run.id)?.worker ?? ""));
        } catch (error) {
          reject(error as Error);
        }
      });
      copy.machine.now = Math.max(copy.machine.now, this.#now);
      turns.schedule(copy);
    });
  }

  async #commit(commit: Commit): Promise<CommitResult | undefined> {
    const [result] = await this.#world.commit([commit]);
    return result;
  }

  async #acknowledged({ resident, commit }: ClosedTurn): Promise<void> {
    const { machine, run } = resident;
    resident.committed += commit.rows.length;
    resident.mode = "idle";
    if (commit.patch?.dueAt !== undefined) resident.rowDueAt = commit.patch.dueAt;
    if (commit.patch?.note !== undefined) resident.rowNoteMark = markOf(commit.patch.note);
    this.#pending.set(run.id, structuredClone(commandsOf(machine)));
    for (const one of [...(commit.runs ?? []), ...(commit.successor ? [commit.successor] : [])]) {
      if (await this.#world.query.run({ id: one.id })) this.#order.push(one.id);
    }
    if (!machine.outcome) return;
    this.#isOver.add(run.id);
    this.#drop(run.id);
  }

  async #ending(id: string): Promise<Ending> {
    const run = await this.#world.query.run({ id });
    const { rows } = await this.#world.load(id);
    const state = await this.#world.query.state(id);
    return {
      run: run && {
        status: run.status,
        parent: run.parent,
        key: run.key,
        successor: run.successor,
        attributes: run.attributes,
        output: run.output && summary(decode(toText(run.output))),
      },
      rows: rows.map(({ data }) => withoutStacks(toText(data))),
      state: state.map(({ key, value, version }) => [key, version, decode(toText(value))]).toSorted(),
    };
  }
}

const leaseMs = 10_000;

/** An event is used up by its turn. */
function withOwnObject({ event, payload }: ReadyEvent): ReadyEvent {
  return { event: { ...event }, payload };
}

function readyOf(message: ReceivedMessage): ReadyEvent {
  const ready = eventOf(message);
  if (!ready) throw new Error(`Nothing is known of a message of the kind "${message.kind}".`);
  return ready;
}

function errorOf(op: string): Error {
  const error = new RangeError(`failed ${op}`);
  error.stack = "";
  return error;
}

function summary(value: unknown): unknown {
  return value instanceof Error ? [value.name, value.message, value.cause instanceof Error ? value.cause.message : null] : value;
}

/** The frames of an error's stack tell where it was made; those of the host differ from one execution to the other. */
function withoutStacks(row: string): string {
  return row.replaceAll(/(?:\\n|\n)\s+at [^"]*/g, "");
}
