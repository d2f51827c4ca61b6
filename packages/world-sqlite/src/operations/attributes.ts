import type { Attributes, RunPatch, WorldError } from "@perdure/world";
import { attributeCountProblem, attributeText, attributeTexts } from "@perdure/world";
import type { Transaction } from "../database.ts";

const SET = `
  INSERT INTO attributes (run, name, value) VALUES (?1, ?2, ?3)
  ON CONFLICT (run, name) DO UPDATE SET value = excluded.value WHERE value <> excluded.value`;
const REMOVE = "DELETE FROM attributes WHERE run = ?1 AND name = ?2";
const NAMES = "SELECT name FROM attributes WHERE run = ?1";
const SOME_WITH = "SELECT 1 FROM attributes WHERE name = ?1 AND value = ?2 LIMIT 1000";

/** Sets and removes attributes of a run. */
export function setAttributes(transaction: Transaction, run: number, attributes: NonNullable<RunPatch["attributes"]>): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null) transaction.run(REMOVE, [run, name]);
    else transaction.run(SET, [run, name, attributeText(value)]);
  }
}

/** Why a run cannot have what a patch would make of its attributes, or null. */
export function mergeProblem(transaction: Transaction, run: number, attributes: NonNullable<RunPatch["attributes"]>): WorldError | null {
  const names = new Set(transaction.all(NAMES, [run]).map(([name]) => name as string));
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null) names.delete(name);
    else names.add(name);
  }
  return attributeCountProblem(names.size);
}

/**
 * The attributes as names and texts, the rarest first: where a search begins. SQLite cannot tell which one it is, for all are rows of one
 * index. Those that more than a thousand runs have count as equally frequent.
 */
export function rarestFirst(transaction: Transaction, attributes: Attributes): (readonly [name: string, text: string])[] {
  const pairs = attributeTexts(attributes);
  if (pairs.length < 2) return pairs;
  const counts = new Map(pairs.map((pair) => [pair, transaction.all(SOME_WITH, pair).length]));
  return pairs.sort((a, b) => counts.get(a)! - counts.get(b)!);
}
