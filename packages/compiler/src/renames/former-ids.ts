import type { Analysis } from "../analyse/analyse.ts";
import { headOf, rangeOf } from "../parse/nodes.ts";

/**
 * Ids that functions and stored classes had before, with those that they have now: of one (`shop/src/a.ts#charge`), which renames what is inside it
 * too, or of whole modules (`shop/src/a.ts`).
 */
export type Renames = Readonly<Record<string, string>>;

/**
 * The former ids of a module's functions and classes, by their present ones. Adds a problem where an id that is declared as former still belongs
 * to one, and where the present one belongs to none.
 */
export function findFormerIds(
  renames: Renames,
  moduleId: string,
  { marked, storedClasses, problems }: Pick<Analysis, "marked" | "storedClasses" | "problems">,
): Map<string, string[]> {
  const formerIds = new Map<string, string[]>();
  const entries = Object.entries(renames);
  if (entries.length === 0) return formerIds;
  const named = [
    ...marked.map(({ id, node }) => ({ id, range: headOf(node) })),
    ...storedClasses.map(({ id, node }) => ({ id, range: { start: rangeOf(node).start, end: rangeOf(node.body).start } })),
  ];
  for (const { id } of named) {
    const former = formerOf(id, entries);
    if (former.length > 0) formerIds.set(id, former);
  }
  for (const { id, range } of named) {
    const heir = [...formerIds].find(([, former]) => former.includes(id));
    if (heir !== undefined) problems.push({ code: "RENAME_CONFLICT", range, parameters: { former: id, id: heir[0] } });
  }
  for (const [former, id] of entries) {
    const isMissing = id.startsWith(`${moduleId}#`) && !named.some((one) => rest(one.id, id) !== null);
    if (isMissing) problems.push({ code: "RENAME_WITHOUT_FUNCTION", range: { start: 0, end: 0 }, parameters: { former, id } });
  }
  return formerIds;
}

/** All ids that a function or class had, also by renames of renames. */
function formerOf(id: string, entries: readonly (readonly [string, string])[]): string[] {
  const found: string[] = [];
  const queue = [id];
  for (let current = queue.shift(); current !== undefined; current = queue.shift()) {
    for (const [former, present] of entries) {
      const tail = rest(current, present);
      const previous = tail === null ? null : former + tail;
      if (previous === null || previous === id || found.includes(previous)) continue;
      found.push(previous);
      queue.push(previous);
    }
  }
  return found;
}

/** What follows a prefix that ends where a name ends; null if the id does not begin with it. */
function rest(id: string, prefix: string): string | null {
  if (!id.startsWith(prefix)) return null;
  const tail = id.slice(prefix.length);
  const boundary = prefix.includes("#") ? /^[./]/ : /^#/;
  return tail === "" || boundary.test(tail) ? tail : null;
}
