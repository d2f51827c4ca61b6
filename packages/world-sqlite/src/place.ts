/**
 * Where this process runs, and whether another process there is gone.
 *
 * A process id means something only within one running system and one pid namespace (two containers on a machine may both have a
 * process 1). On Linux the place names both: the boot id and the namespace's inode. On macOS and Windows it is the host name. Where
 * neither can be told the place is unique to this process, and leases alone decide.
 */

import { randomUUID } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

/** The identity of the running system and pid namespace of this process. */
export const place: string = findPlace();

function findPlace(): string {
  if (process.platform !== "linux") return `${process.platform}/${hostname()}`;
  try {
    return `${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()}/${readlinkSync("/proc/self/ns/pid")}`;
  } catch {
    return randomUUID();
  }
}

/**
 * Whether that process is certainly gone: it ran in this place, and no process has its id any more. A process id that has been given
 * to another process counts as alive; then the lease decides.
 */
export function isGone(where: string, pid: number): boolean {
  if (where !== place || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}
