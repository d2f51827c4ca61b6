import type { Commit, World } from "@perdure/world";

import { createTurnBatcher, type Yardstick } from "../yardstick.ts";

const worker = "yardstick";

/** Far enough that nothing is ever due. */
const laterMs = 10 * 24 * 3600 * 1000;

interface Producer {
  readonly runId: string;
  length: number;
}

/**
 * Commits of one row each through a World of its own, which it closes. The runs that they belong to are never executed.
 *
 * @param lanes how many commits are under way at the same time, each of a share of the producers
 */
export function createWorldYardstick(world: World, row: Uint8Array, lanes = 1): Yardstick {
  let producers: Producer[] = [];
  const next = ({ runId, length }: Producer): Commit => ({ runId, fence: 1, worker, base: length, rows: [row] });

  async function commit(batch: readonly Producer[]): Promise<void> {
    const results = await world.commit(batch.map(next));
    const refused = results.find(({ status }) => status !== "committed");
    if (refused) throw new Error(`The yardstick's commit was not taken: ${refused.status}.`);
    for (const producer of batch) producer.length++;
  }

  const submit = createTurnBatcher(commit, { lanes, most: () => Math.ceil(producers.length / lanes) });
  return {
    async open(count) {
      await world.setup();
      await world.heartbeat(worker, laterMs);
      const dueAt = Date.now() + laterMs;
      producers = Array.from({ length: count }, (_, index) => ({ runId: idOf(index), length: 0 }));
      const base = { key: null, workflowId: "yardstick", version: "0", input: new Uint8Array(), dueAt };
      await world.createRuns(
        producers.map(({ runId }) => ({ ...base, id: runId })),
        { owner: worker },
      );
    },
    append: (index) => submit(at(producers, index)),
    commitOne: () => commit([at(producers, 0)]),
    close: () => world.close(),
  };
}

function at(producers: readonly Producer[], index: number): Producer {
  const producer = producers[index];
  if (!producer) throw new RangeError(`There is no producer ${index}.`);
  return producer;
}

/** In the shape of a UUID version 7. */
function idOf(index: number): string {
  return `00000000-0000-7000-8000-${index.toString(16).padStart(12, "0")}`;
}
