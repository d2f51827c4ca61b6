import { fillBytes, nextUuid } from "./random.ts";
import { currentRun } from "./run-state.ts";
/** `crypto` with the run's chance. */
export function createCrypto() {
  return Object.freeze({ randomUUID: () => nextUuid(currentRun().random), getRandomValues });
}
function getRandomValues(view) {
  fillBytes(currentRun().random, new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
  return view;
}
