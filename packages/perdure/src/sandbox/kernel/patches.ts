import { PerdureError } from "../../errors/perdure-error.ts";
import { currentRun } from "./run-state.ts";

/**
 * Whether the run takes a new way, see `patched` of `perdure`. Live it does, and its history says so. A replay answers by the history alone: what is not recorded was
 * passed by code that did not ask. One answer per name and run, the first: a loop that began on the old way stays on it.
 */
export function patched(name: string): boolean {
  if (typeof name !== "string" || !/^[^\p{Cc}]{1,200}$/u.test(name))
    throw new PerdureError("INVALID_ARGUMENT", "patched(name) takes text of 1 to 200 characters, without line breaks.");
  const run = currentRun();
  const answers = (run.extras.patches ??= new Map());
  const before = answers.get(name);
  if (before !== undefined) return before;
  const { unanswered: history } = run.extras;
  const answer = history === null || history.has(`patch ${name}`);
  answers.set(name, answer);
  if (answer) run.out.push("patch", name, "", "");
  return answer;
}
