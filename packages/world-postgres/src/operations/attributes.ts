import type { RunPatch, WorldError } from "@perdure/world";
import { attributeCountProblem, attributeText } from "@perdure/world";
import type { Transaction } from "../database/database.ts";

const SET = `
  INSERT INTO @attributes AS a (run_id, name, value, number) SELECT $1, $2, $3, number FROM @runs WHERE id = $1
  ON CONFLICT (run_id, name) DO UPDATE SET value = excluded.value WHERE a.value <> excluded.value`;
/** `|| ''`: found by the run, whatever the server guesses of how many have the name. */
const REMOVE = "DELETE FROM @attributes WHERE run_id = $1 AND name || '' = $2";
const NAMES = "SELECT name FROM @attributes WHERE run_id = $1";

/** Sets and removes attributes of a run. */
export async function setAttributes(transaction: Transaction, run: string, attributes: NonNullable<RunPatch["attributes"]>): Promise<void> {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null) await transaction.run(REMOVE, [run, name]);
    else await transaction.run(SET, [run, name, attributeText(value)]);
  }
}

/** Why a run cannot have what a patch would make of its attributes, or null. */
export async function mergeProblem(
  transaction: Transaction,
  run: string,
  attributes: NonNullable<RunPatch["attributes"]>,
): Promise<WorldError | null> {
  const names = new Set((await transaction.all(NAMES, [run])).map(([name]) => name as string));
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null) names.delete(name);
    else names.add(name);
  }
  return attributeCountProblem(names.size);
}
