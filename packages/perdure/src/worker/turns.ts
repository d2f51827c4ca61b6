import { setImmediate } from "../host-timers.ts";
import { atBottomOfStack } from "../sandbox/async-stack.ts";
import type { RealmDelivery } from "../sandbox/realm.ts";
import type { Realms } from "../sandbox/realms.ts";
import type { Resident } from "./resident.ts";
import { openTurn, type Turn } from "./turn.ts";

/** Delivers events to workflow code: what is ready, for all runs together, once per turn of the event loop. */
export interface Turns {
  /** How many deliveries are in the queue: what comes now comes behind them. */
  readonly backlog: number;
  /** The run has something ready, or may have. */
  schedule(resident: Resident): void;
  /** Delivers what is ready for runs, and gives their turns to the caller. */
  take(residents: readonly Resident[]): Promise<readonly Turn[]>;
  /** Delivers the events of a replay between those of the live runs. Resolves when all have been delivered. */
  deliver(deliveries: readonly RealmDelivery[]): Promise<void>;
}

/** Deliveries in the queue up to index `end` belong to this job, a run's turn or a replay, or to earlier ones. */
interface Job {
  readonly end: number;
  readonly turn: Turn | null;
  readonly done: (() => void) | null;
}

/** How many deliveries of the past the queue may hold. */
const mostDelivered = 1000;

/** @param onDelivered gets the turns of which the realm has been told all, those of one tick together */
export function createTurns(realm: Pick<Realms, "deliver">, onDelivered: (turns: readonly Turn[]) => void): Turns {
  const ready = new Set<Resident>();
  let queue: RealmDelivery[] = [];
  let position = 0;
  let jobs: Job[] = [];
  /** A tick is to come, or under way. */
  let scheduled = false;

  function request(): void {
    if (scheduled) return;
    scheduled = true;
    setImmediate(atBottomOfStack, tick);
  }

  function tick(): void {
    openReady();
    const delivered = position < queue.length ? realm.deliver(queue, position) : position;
    if (typeof delivered === "number") finish(delivered);
    else void delivered.then(finish);
  }

  /** @param next the first delivery that is left */
  function finish(next: number): void {
    scheduled = false;
    position = next;
    const waiting = jobs.findIndex((job) => job.end > position);
    const done = waiting < 0 ? jobs : jobs.slice(0, waiting);
    jobs = waiting < 0 ? [] : jobs.slice(waiting);
    if (jobs.length === 0) {
      queue = [];
      position = 0;
    } else {
      if (position > mostDelivered && position > queue.length / 2) letGo();
      request();
    }
    for (const job of done) job.done?.();
    const turns = done.flatMap(({ turn }) => turn ?? []);
    if (turns.length > 0) onDelivered(turns);
  }

  /** What was delivered is not kept, also when there is always more to deliver. */
  function letGo(): void {
    queue = queue.slice(position);
    jobs = jobs.map(({ end, turn, done }) => ({ end: end - position, turn, done }));
    position = 0;
  }

  function openReady(): void {
    const now = Date.now();
    for (const resident of ready) {
      if (resident.mode !== "idle" || resident.ready.length === 0) continue;
      jobs.push({ turn: open(resident, now), end: queue.length, done: null });
    }
    ready.clear();
  }

  function open(resident: Resident, now: number): Turn {
    const turn = openTurn(resident, now);
    for (const { delivery } of turn.steps) if (delivery) queue.push(delivery);
    return turn;
  }

  return {
    get backlog() {
      return queue.length - position;
    },
    schedule(resident) {
      ready.add(resident);
      request();
    },
    take(residents) {
      const now = Date.now();
      const turns = residents.map((resident) => open(resident, now));
      return new Promise((resolve) => {
        jobs.push({ end: queue.length, turn: null, done: () => resolve(turns) });
        request();
      });
    },
    deliver(deliveries) {
      return new Promise((resolve) => {
        for (const delivery of deliveries) queue.push(delivery);
        jobs.push({ end: queue.length, turn: null, done: resolve });
        request();
      });
    },
  };
}
