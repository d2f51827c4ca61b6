import type { Statement } from "@babel/types";
import { rangeOf } from "../parse/nodes.ts";
import { parse } from "../parse/parse.ts";
import { type Part, replaceParts } from "./replace-parts.ts";

/**
 * Joins neighbouring declarations of a bundle: `var a=1;var b=2` becomes `var a=1,b=2`. esbuild does so only where nothing stood between
 * them in the source, also nothing that it then leaves out: without this, a step that no workflow calls would change versions.
 */
export function joinDeclarations(code: string, map: string): { code: string; map: string } {
  if (!code.includes(JOINT)) return { code, map };
  const parsed = parse(code, "bundle.cjs");
  const [wrapper] = parsed.ok ? parsed.file.program.body : [];
  const bundle = wrapper?.type === "ExpressionStatement" ? wrapper.expression : null;
  if (bundle?.type !== "FunctionExpression") return { code, map };
  const parts = bundle.body.body.flatMap((statement, index, statements): Part[] => {
    const start = rangeOf(statement).start - 1;
    const isJoint = isVar(statement) && isVar(statements[index - 1]) && code.startsWith(JOINT, start);
    return isJoint ? [{ start, length: JOINT.length, text: "," }] : [];
  });
  return replaceParts(code, map, parts);
}

const JOINT = ";var ";

function isVar(statement: Statement | undefined): boolean {
  return statement?.type === "VariableDeclaration" && statement.kind === "var";
}
