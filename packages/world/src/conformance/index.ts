/**
 * The tests that every World passes, for any runner: the suite takes the runner's `test` as an argument and asserts with node:assert.
 */

import assert from "node:assert/strict";
import type { WorldSupports } from "../index.ts";
import { amendments } from "./amendments.ts";
import { answers } from "./answers.ts";
import { attributes } from "./attributes.ts";
import { awaits } from "./awaits.ts";
import { beginnings } from "./beginnings.ts";
import { children } from "./children.ts";
import { code } from "./code.ts";
import { commits } from "./commits.ts";
import { concurrency } from "./concurrency.ts";
import { durability } from "./durability.ts";
import { ends } from "./ends.ts";
import { fencing } from "./fencing.ts";
import { hooks } from "./hooks.ts";
import { type Case, type Harness, inLab } from "./lab.ts";
import { leases } from "./leases.ts";
import { messages } from "./messages.ts";
import { outbox } from "./outbox.ts";
import { queries } from "./queries.ts";
import { releases } from "./releases.ts";
import { replacements } from "./replacements.ts";
import { runs } from "./runs.ts";
import { state } from "./state.ts";
import { streams } from "./streams.ts";
import { successors } from "./successors.ts";
import { waits } from "./waits.ts";

const areas: Readonly<Record<string, readonly Case[]>> = {
  runs,
  commits,
  fencing,
  releases,
  leases,
  waits,
  messages,
  outbox,
  hooks,
  ends,
  replacements,
  children,
  successors,
  awaits,
  answers,
  amendments,
  attributes,
  beginnings,
  state,
  streams,
  code,
  queries,
  concurrency,
  durability,
};

/** What {@link testWorld} needs to know. */
export interface WorldSuite {
  /** The runner's function: registers a test. Each test is independent of the others and may run beside them. */
  test(name: string, run: () => Promise<void>): void;
  /** Makes a fresh, empty store; called once per test. */
  create(): Harness | Promise<Harness>;
  /** What the World claims to support. Behaviours that need more are not registered; the suite checks that the World says the same. */
  supports: WorldSupports;
}

/**
 * Registers the conformance tests of a World.
 *
 * @example
 * ```ts
 * import { test } from "vitest";
 * import { testWorld } from "@perdure/world/conformance";
 * import { createMemoryWorld } from "@perdure/world/memory";
 *
 * testWorld({
 *   test,
 *   supports: { processes: false, durable: false },
 *   create() {
 *     const world = createMemoryWorld();
 *     return { open: async () => world, cleanup: async () => {} };
 *   },
 * });
 * ```
 */
export function testWorld({ test, create, supports }: WorldSuite): void {
  test("the World supports what its suite was told", async () => {
    await inLab(await create(), async ({ world }) => assert.deepEqual(world.supports, supports));
  });
  for (const [area, cases] of Object.entries(areas)) {
    for (const { name, needs, run } of cases) {
      if (needs !== undefined && !supports[needs]) continue;
      test(`${area}: ${name}`, async () => inLab(await create(), run));
    }
  }
}

export { checkedWorld } from "../checked/index.ts";
export type { Harness } from "./lab.ts";
