import { realpathSync } from "node:fs";
import { createHints, type Hints } from "@perdure/world";

const byFile = new Map<string, { readonly hints: Hints; users: number }>();

/** The hints that all Worlds of this process share when they are on the same file; `leave` gives them back. */
export function joinHints(path: string): { readonly hints: Hints; readonly leave: () => void } {
  const file = realpathSync(path);
  const shared = byFile.get(file) ?? { hints: createHints(), users: 0 };
  byFile.set(file, shared);
  shared.users += 1;
  return {
    hints: shared.hints,
    leave() {
      shared.users -= 1;
      if (shared.users === 0) byFile.delete(file);
    },
  };
}
