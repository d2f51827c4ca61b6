import { WorldError } from "../index.ts";

/** Raises WORLD_INVARIANT unless the condition holds; the message says what the World did, with the names. */
export function holds(condition: boolean, message: () => string): asserts condition {
  if (condition) return;
  throw new WorldError("WORLD_INVARIANT", message(), { hint: "The World broke its contract: see World in @perdure/world." });
}
