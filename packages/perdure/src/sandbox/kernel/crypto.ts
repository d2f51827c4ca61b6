import { fillBytes, nextUuid } from "./random.ts";
import { chanceOf, currentRun } from "./run-state.ts";

/** `crypto` with the run's chance. */
export function createCrypto(): object {
  return Object.freeze({ randomUUID: () => nextUuid(chanceOf(currentRun())), getRandomValues });
}

function getRandomValues<T extends ArrayBufferView>(view: T): T {
  fillBytes(chanceOf(currentRun()), new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
  return view;
}
