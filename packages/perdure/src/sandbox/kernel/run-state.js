let active = null;
let find = () => active;
/** The run whose delivery is being evaluated. Everything that workflow code calls belongs to it. */
export function currentRun() {
  const run = find();
  if (!run) throw new Error("No workflow is running.");
  return run;
}
/** Null outside of a delivery, as when a module of the runtime itself is evaluated. */
export function currentRunOrNull() {
  return find();
}
/** For a place where deliveries are not evaluations of their own: says whose code is running. */
export function findCurrentRunBy(source) {
  find = source;
}
export function setCurrentRun(run) {
  active = run;
}
/**
 * The next operation id for a name: the name and how often it was asked for in this run. It depends on nothing that other names draw from, so
 * inserting one call renames no other.
 */
export function nextOperation(run, name) {
  const count = (run.occurrences.get(name) ?? 0) + 1;
  run.occurrences.set(name, count);
  return `${name}#${count}`;
}
