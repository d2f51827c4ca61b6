/** The rules of {@link Attributes}, the same in every World. */

import type { Attributes, AttributeValue } from "./records.ts";
import { WorldError } from "./errors.ts";
import { invalid, isStorableText } from "./storable.ts";

/** How many attributes a run may have. */
export const MAX_ATTRIBUTES = 64;
const MAX_ATTRIBUTE_NAME = 128;
const MAX_ATTRIBUTE_TEXT = 1024;

/**
 * A value as text that no value of another type or content has: its JSON. Worlds store and compare this, so that all of them find
 * the same runs.
 */
export function attributeText(value: AttributeValue): string {
  return JSON.stringify(value);
}

/** Names and {@link attributeText}s. */
export function attributeTexts(attributes: Attributes): (readonly [name: string, text: string])[] {
  return Object.entries(attributes).map(([name, value]) => [name, attributeText(value)]);
}

/** The attributes of {@link attributeTexts}. */
export function toAttributes(texts: Iterable<readonly [name: string, text: string]>): Attributes {
  return Object.fromEntries(Array.from(texts, ([name, text]) => [name, JSON.parse(text) as AttributeValue]));
}

/** Why no World may store these attributes (each alone, and all together), or null. A null in a patch removes one. */
export function attributesProblem(attributes: Readonly<Record<string, AttributeValue | null>>, isPatch: boolean): WorldError | null {
  if (typeof attributes !== "object" || attributes === null) return invalid("The attributes of a run", attributes, "an object");
  const entries = Object.entries(attributes);
  for (const [name, value] of entries) {
    if (name.length === 0 || name.length > MAX_ATTRIBUTE_NAME || !isStorableText(name)) {
      return invalid("The name of an attribute", name, `1 to ${MAX_ATTRIBUTE_NAME} well-formed characters without NUL`);
    }
    const problem = value === null && isPatch ? null : valueProblem(name, value);
    if (problem !== null) return problem;
  }
  return attributeCountProblem(entries.filter(([, value]) => value !== null).length);
}

function valueProblem(name: string, value: unknown): WorldError | null {
  const what = `The attribute ${JSON.stringify(name)}`;
  switch (typeof value) {
    case "boolean":
      return null;
    case "number":
      return Number.isFinite(value) ? null : invalid(what, value, "finite");
    case "string":
      return value.length <= MAX_ATTRIBUTE_TEXT && isStorableText(value)
        ? null
        : invalid(what, value, `at most ${MAX_ATTRIBUTE_TEXT} well-formed characters without NUL; this has ${value.length}`);
    default:
      return invalid(what, value, "text, a number or a boolean");
  }
}

/** Why a run cannot have so many attributes, or null. Worlds ask this of what a patch would make of them. */
export function attributeCountProblem(count: number): WorldError | null {
  if (count <= MAX_ATTRIBUTES) return null;
  return new WorldError("WORLD_INVALID_ARGUMENT", `A run cannot have ${count} attributes.`, {
    hint: `It may have ${MAX_ATTRIBUTES}: keep what is only read, and not searched by, in its state or its result.`,
  });
}
