import type { Program, Statement } from "@babel/types";
import type { Problem } from "../diagnose/diagnostic.ts";
import { contains, rangeOf } from "../parse/nodes.ts";
import { findAwait } from "./purity.ts";
import type { Reach } from "./reach.ts";
import type { Binding } from "./scope.ts";

/** What the workflows of a file need although it is only there after an `await`, or only until a `using` ends. */
export function findUnavailable(program: Program, reach: Reach): Problem[] {
  return program.body.flatMap((statement): Problem[] => {
    const at = findAwait(statement);
    const isUsing = statement.type === "VariableDeclaration" && statement.kind === "using";
    const binding = at !== null || isUsing ? neededBy(statement, reach) : undefined;
    if (binding === undefined) return [];
    if (at !== null) return [{ code: "TOP_LEVEL_AWAIT", range: rangeOf(at), parameters: { name: binding.name } }];
    return [{ code: "TOP_LEVEL_USING", range: rangeOf(statement), parameters: { name: binding.name } }];
  });
}

/** A name that a workflow uses and that the statement declares or writes. */
function neededBy(statement: Statement, reach: Reach): Binding | undefined {
  const range = rangeOf(statement);
  const isKept = reach.statements.has(statement);
  return [...reach.bindings].find(({ identifier, references }) => {
    if (contains(range, rangeOf(identifier))) return true;
    return isKept && references.some(({ node }) => contains(range, rangeOf(node)));
  });
}
