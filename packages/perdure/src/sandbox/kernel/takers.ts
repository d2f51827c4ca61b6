/** Those who wait for the payloads of a hook, first come first served: each holds the next, for most hooks have one. */
import type { HookQueue, Taker } from "./run-state.ts";

/** To the end of the line. */
export function addTaker(queue: HookQueue, taker: Taker): void {
  let last = queue.waiting;
  if (last === null) {
    queue.waiting = taker;
    return;
  }
  while (last.next !== null) last = last.next;
  last.next = taker;
}

/** Takes the first out of the line. */
export function nextTaker(queue: HookQueue): Taker | null {
  const first = queue.waiting;
  if (first !== null) queue.waiting = first.next;
  return first;
}

/** Takes out of the line whoever is meant, and returns them in order. */
export function removeTakers(queue: HookQueue, isMeant: (taker: Taker) => boolean): Taker[] {
  const removed: Taker[] = [];
  const left: Taker[] = [];
  for (let taker = queue.waiting; taker !== null; taker = taker.next) (isMeant(taker) ? removed : left).push(taker);
  queue.waiting = left[0] ?? null;
  left.forEach((taker, index) => (taker.next = left[index + 1] ?? null));
  return removed;
}
