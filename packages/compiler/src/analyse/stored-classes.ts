import type { Class, ClassBody, Node } from "@babel/types";
import type { Problem } from "../diagnose/diagnostic.ts";
import { rangeOf, unwrap } from "../parse/nodes.ts";
import type { PathNames } from "./ids.ts";
import type { ScopeTree } from "./scope-tree.ts";

/** A class that says how its instances are stored, by static members under two symbols. */
export interface StoredClass {
  node: Class;
  /** `<id of the module>#<path of names>`. */
  id: string;
}

type Member = ClassBody["body"][number];

/** The symbols, by the names of the constants that packages export for them. */
const symbols: Readonly<Record<string, string>> = {
  WORKFLOW_SERIALIZE: "workflow-serialize",
  WORKFLOW_DESERIALIZE: "workflow-deserialize",
};

/** Finds the classes whose instances can be stored, and gives them ids. One that says only half of it must inherit the rest. */
export function findStoredClasses(tree: ScopeTree, paths: PathNames, moduleId: string, problems: Problem[]): StoredClass[] {
  return tree.classes.flatMap((node): StoredClass[] => {
    const said = new Set(node.body.body.flatMap((member) => symbolOf(member, tree) ?? []));
    if (said.size === 0) return [];
    const path = paths.addClass(node, moduleId, problems);
    if (said.size === 1 && !node.superClass) {
      const [has = ""] = said;
      const lacks = Object.values(symbols).find((symbol) => symbol !== has) ?? "";
      const range = { start: rangeOf(node).start, end: rangeOf(node.body).start };
      problems.push({ code: "CLASS_INCOMPLETE", range, parameters: { name: path, has, lacks } });
    }
    return [{ node, id: `${moduleId}#${path}` }];
  });
}

/** Which of the symbols the key of a static member is. */
function symbolOf(member: Member, tree: ScopeTree): string | null {
  if (!("key" in member) || !("computed" in member) || member.computed !== true || !("static" in member) || !member.static) return null;
  if (member.type === "TSDeclareMethod" || ("kind" in member && member.kind !== "method")) return null;
  return symbolIn(member.key, tree);
}

/** The description of `Symbol.for("…")`, of a constant of the module with this value, or of one that is imported under the usual name. */
function symbolIn(key: Node, tree: ScopeTree): string | null {
  const node = unwrap(key);
  if (node.type === "CallExpression") return registeredSymbol(node.callee, node.arguments[0]);
  if (node.type === "MemberExpression" && !node.computed && node.property.type === "Identifier") return symbols[node.property.name] ?? null;
  if (node.type !== "Identifier") return null;
  const declaration = tree.module.bindings.get(node.name)?.declaration;
  if (declaration?.type === "ImportSpecifier") {
    const { imported } = declaration;
    return symbols[imported.type === "Identifier" ? imported.name : imported.value] ?? null;
  }
  return declaration?.type === "VariableDeclarator" && declaration.init && declaration.init !== node
    ? symbolIn(declaration.init, tree)
    : null;
}

function registeredSymbol(callee: Node, description: Node | undefined): string | null {
  if (callee.type !== "MemberExpression" || callee.object.type !== "Identifier" || callee.object.name !== "Symbol") return null;
  if (callee.property.type !== "Identifier" || callee.property.name !== "for" || description?.type !== "StringLiteral") return null;
  return Object.values(symbols).includes(description.value) ? description.value : null;
}
