import { answerId } from "./awaits.ts";
import type { WorldError } from "./errors.ts";
import type { Await } from "./records.ts";
import { invalid, isName, NAME_RULE } from "./storable.ts";

const AWAIT_RULE = "1 to 506 well-formed characters without NUL";

/** Why no World can note what a run awaits, or null. */
export function awaitProblem({ operation, run }: Await): WorldError | null {
  if (!isName(operation) || !isName(answerId(operation))) return invalid("The operation of an await", operation, AWAIT_RULE);
  if ("key" in run) return isName(run.key) ? null : invalid("The key of an awaited run", run.key, NAME_RULE);
  return typeof run.id === "string" ? null : invalid("An awaited run", run.id, "the id of a run, or a key");
}
