import { setTimeout as pause } from "node:timers/promises";
import { WorldError } from "@perdure/world";

/** Whether the World cannot be reached now; the same call may succeed later. */
export function isUnavailable(error: unknown): boolean {
  return WorldError.is(error) && error.code === "WORLD_UNAVAILABLE";
}

/** Makes a call that may be repeated, until the World can be reached. */
export async function untilAvailable<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!isUnavailable(error)) throw error;
      await pause(100);
    }
  }
}
