import { encode } from "../../codec/index.ts";
import { currentRun, nextOperation } from "./run-state.ts";
/**
 * Asks for a step. The promise settles when an event answers the operation.
 * @param captures what a step nested in a workflow reads of the workflow's variables, by name
 */
export function callStep(stepId, args, captures) {
  const run = currentRun();
  const op = nextOperation(run, stepId);
  let input = "";
  if (!run.answered?.has(op)) {
    try {
      input = captures ? encode({ args: [...args], captures }, "") : encode([...args], "args");
    } catch (error) {
      return Promise.reject(error);
    }
  }
  run.out.push("step", op, stepId, input);
  return new Promise((resolve, reject) => run.steps.set(op, { resolve, reject }));
}
