import { start } from "perdure/api";

import { sequence } from "./sequence.ts";

/** Starts so many children of one step each and awaits them; returns how many ended as they should. */
export async function family(children: number): Promise<number> {
  "use workflow";
  const runs = await Promise.all(Array.from({ length: children }, () => start(sequence, [1])));
  const results = await Promise.all(runs.map((run) => run.returnValue));
  return results.filter((result) => result === 1).length;
}
