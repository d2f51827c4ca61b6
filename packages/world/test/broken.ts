/** Worlds that break one rule each, to see that {@link checkedWorld} says so. */

import { expect, test } from "vitest";
import type { Commit, World } from "@perdure/world";
import { checkedWorld } from "@perdure/world/conformance";
import { createMemoryWorld } from "@perdure/world/memory";

export const A = "01890a5d-ac96-774b-bcce-b302099a8057";
export const B = "01890a5d-ac96-774b-bcce-b302099a8058";
export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
export const newRun = (id: string) => ({ id, key: null, workflowId: "app#w", version: "v", input: bytes("in"), dueAt: null });
export const commitOf = (base: number, rows: string[], rest: Partial<Commit> = {}): Commit => {
  return { runId: A, fence: 1, worker: "w1", base, rows: rows.map(bytes), ...rest };
};
export const end = { patch: { status: "completed" } } as const;
export const claim = (world: World, worker: string) => world.claim({ worker, limit: 10, leaseMs: 1000 });
export const send = (world: World, runId = A) => world.deliver([{ id: "m", to: { runId }, kind: "wake", payload: bytes("p") }]);
export const out = { runId: A, name: "out" };

/** A World that breaks one rule, how it is used, and what the checks say. */
export interface Broken {
  readonly name: string;
  readonly says: RegExp;
  /** Changes a World that holds run A, owned by w1. */
  breaks(world: World, lies: { on: boolean; time: number }): Partial<World>;
  use(world: World, lies: { on: boolean; time: number }): Promise<unknown>;
}

/** A test per broken World: the checks say what is wrong. */
export function testBroken(broken: readonly Broken[]): void {
  for (const { name, says, breaks, use } of broken) {
    test(`a checked World refuses ${name}`, async () => {
      const lies = { on: true, time: 1_000_000 };
      const world = createMemoryWorld({ now: () => lies.time });
      const changed: Partial<World> = {};
      const checked = checkedWorld(new Proxy(world, { get: (target, key) => Reflect.get(changed, key) ?? Reflect.get(target, key) }));
      await checked.heartbeat("w1", 1000);
      await checked.createRuns([newRun(A)], { owner: "w1" });
      Object.assign(changed, breaks(world, lies));
      await expect(use(checked, lies)).rejects.toMatchObject({ code: "WORLD_INVARIANT", message: expect.stringMatching(says) });
    });
  }
}
