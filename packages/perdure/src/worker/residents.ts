import { loadedAt, sinceLoaded, type Resident } from "./resident.ts";

/**
 * The runs in this worker's memory, the one that was active longest ago first, and about how many bytes they hold.
 *
 * What a run holds cannot be measured: its variables live in the sandbox. It is taken to be what went in: its arguments, all of its history that this copy has seen (a result that was delivered may be
 * kept in a variable), the inputs of its pending steps, and what is ready for it and not yet committed; and a fixed part for the rest. Text counts one byte for a character.
 */
export interface Residents {
  readonly size: number;
  /** Estimated bytes of all runs. */
  readonly bytes: number;
  /** Characters of all payloads that are ready or in turns under way. */
  readonly readyLength: number;
  find(runId: string): Resident | undefined;
  add(resident: Resident): void;
  /** Marks a run as active now. */
  touch(resident: Resident): void;
  /** Counts a payload that is ready for a run. */
  expect(resident: Resident, payload: string): void;
  /** Counts anew, after a turn was committed or a history replayed. */
  weigh(resident: Resident): void;
  remove(resident: Resident): void;
  all(): Iterable<Resident>;
  /** Idle runs to give back: all that have been idle since before `idleBefore`, and as many more as it takes to stay within `most`. */
  evictable(idleBefore: number, most: { readonly runs: number; readonly bytes: number }): Resident[];
}

/** For a run's place in the realm and the worker's own records of it: `bench memory` measures 2.6 kB for a run that sleeps, 3.0 for one that waits for a hook. */
const fixedBytes = 2800;

/** What an event that is ready counts for beside its payload: 100,000 sleeps that end together are no small thing either. */
const eventLength = 64;

export function createResidents(): Residents {
  const byId = new Map<string, Resident>();
  let bytes = 0;
  let readyLength = 0;

  function setWeight(resident: Resident, weight: number): void {
    bytes += weight - resident.weight;
    resident.weight = weight;
  }

  function setReady(resident: Resident, length: number): void {
    readyLength += length - resident.readyLength;
    resident.readyLength = length;
  }

  return {
    get size() {
      return byId.size;
    },
    get bytes() {
      return bytes;
    },
    get readyLength() {
      return readyLength;
    },
    find: (runId) => byId.get(runId),
    add(resident) {
      byId.set(resident.run.id, resident);
      setWeight(resident, fixedBytes + resident.seenBytes);
    },
    touch(resident) {
      resident.idleSince = sinceLoaded();
      if (byId.get(resident.run.id) !== resident) return;
      byId.delete(resident.run.id);
      byId.set(resident.run.id, resident);
    },
    expect(resident, payload) {
      if (resident.weight === 0) return;
      const length = payload.length + eventLength;
      setReady(resident, resident.readyLength + length);
      setWeight(resident, resident.weight + length);
    },
    weigh(resident) {
      if (resident.weight === 0) return;
      let length = 0;
      for (const { payload } of resident.ready) length += payload.length + eventLength;
      setReady(resident, length);
      setWeight(resident, fixedBytes + resident.seenBytes + resident.machine.inputLength + length);
    },
    remove(resident) {
      if (byId.get(resident.run.id) !== resident) return;
      byId.delete(resident.run.id);
      setReady(resident, 0);
      setWeight(resident, 0);
    },
    all: () => byId.values(),
    evictable(idleBefore, most) {
      const chosen: Resident[] = [];
      const idleSince = idleBefore - loadedAt;
      let excess = byId.size - most.runs;
      let excessBytes = bytes - most.bytes;
      for (const resident of byId.values()) {
        const isOld = resident.idleSince < idleSince;
        if (!isOld && excess <= 0 && excessBytes <= 0) break;
        if (!isIdle(resident)) continue;
        chosen.push(resident);
        excess--;
        excessBytes -= resident.weight;
      }
      return chosen;
    },
  };
}

/** Nothing is ready for it and nothing under way. */
function isIdle(resident: Resident): boolean {
  return resident.mode === "idle" && resident.ready.length === 0 && resident.attempting === null;
}
