import { encode } from "../../codec/index.ts";
import { checkAttributes, checkStateKey, type AttributeChanges } from "../../published.ts";
import { currentRun, limitOf } from "./run-state.ts";

/** Publishes a value under a key, see `publish` of `perdure`. */
export function publish(key: string, value: unknown): void {
  checkStateKey(key);
  const run = currentRun();
  run.out.push("state", key, value === undefined ? "" : encode(value, "value", limitOf(run, `${JSON.stringify(key)}, published by `)), "");
}

/** Changes what the run can be found by, see `setAttributes` of `perdure`. */
export function setAttributes(attributes: AttributeChanges): void {
  checkAttributes(attributes, "setAttributes()");
  currentRun().out.push("attributes", "", JSON.stringify(attributes), "");
}
