import { distance } from "fastest-levenshtein";

/** What a directive makes of a function. */
export type DirectiveKind = "step" | "workflow";

/** How a string relates to the two directives. `typo`: close enough to one that it can only be meant. */
export type DirectiveText = { kind: DirectiveKind; match: "exact" | "escaped" | "typo" };

/** How far a typo can be from a directive. */
export const MAX_EDITS = 2;
const directives = [
  ["use step", "step"],
  ["use workflow", "workflow"],
] as const;

/**
 * Compares a string with the directives. `raw` is the text between the quotes, `cooked` its value. A string within two edits of a
 * directive is a typo; case, hyphens, underscores, dots and repeated or missing spaces count as no edit.
 */
export function directiveText(raw: string, cooked: string): DirectiveText | null {
  if (cooked.length < 6 || cooked.length > 20) return null;
  for (const [text, kind] of directives) {
    if (cooked === text) return { kind, match: raw === cooked ? "exact" : "escaped" };
  }
  const normal = normalise(cooked);
  for (const [text, kind] of directives) {
    if (normal === normalise(text)) return { kind, match: "typo" };
    if (Math.abs(normal.length - text.length) > MAX_EDITS) continue;
    if (distance(normal, text) <= MAX_EDITS) return { kind, match: "typo" };
  }
  return null;
}

function normalise(text: string): string {
  return text
    .toLowerCase()
    .replace(/[\s_.:-]+/g, " ")
    .trim()
    .replace(/^use ?/, "use ");
}
