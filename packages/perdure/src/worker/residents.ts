import type { Resident } from "./resident.ts";

/** The runs in this worker's memory, the one that was active longest ago first. */
export interface Residents {
  readonly size: number;
  find(runId: string): Resident | undefined;
  add(resident: Resident): void;
  /** Marks a run as active now. */
  touch(resident: Resident): void;
  remove(resident: Resident): void;
  all(): Iterable<Resident>;
  /** Idle runs to give back: all that have been idle since before `idleBefore`, and as many more as it takes to have at most `most`. */
  evictable(idleBefore: number, most: number): Resident[];
}

export function createResidents(): Residents {
  const byId = new Map<string, Resident>();
  return {
    get size() {
      return byId.size;
    },
    find: (runId) => byId.get(runId),
    add: (resident) => void byId.set(resident.run.id, resident),
    touch(resident) {
      resident.idleSince = Date.now();
      if (byId.get(resident.run.id) !== resident) return;
      byId.delete(resident.run.id);
      byId.set(resident.run.id, resident);
    },
    remove(resident) {
      if (byId.get(resident.run.id) === resident) byId.delete(resident.run.id);
    },
    all: () => byId.values(),
    evictable(idleBefore, most) {
      const chosen: Resident[] = [];
      let excess = byId.size - most;
      for (const resident of byId.values()) {
        const isOld = resident.idleSince < idleBefore;
        if (!isOld && excess <= 0) break;
        if (!isIdle(resident)) continue;
        chosen.push(resident);
        excess--;
      }
      return chosen;
    },
  };
}

function isIdle(resident: Resident): boolean {
  return resident.mode === "idle" && resident.ready.length === 0 && resident.attempting.size === 0;
}
