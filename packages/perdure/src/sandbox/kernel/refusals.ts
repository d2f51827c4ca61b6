import { PerdureError } from "../../errors/perdure-error.ts";

const advice: Readonly<Record<string, string>> = {
  setImmediate: "It has no meaning in a durable run.",
  fetch: "Requests belong into a step.",
};

/** Global functions that workflow code cannot have, by name: each says so when it is called. */
export function createRefusals(): Record<string, () => never> {
  const refuse = ([name, text]: [string, string]): [string, () => never] => [
    name,
    () => {
      throw new PerdureError("NOT_AVAILABLE_IN_WORKFLOW", `${name}() is not available in workflow code. ${text}`);
    },
  ];
  return Object.fromEntries(Object.entries(advice).map(refuse));
}
