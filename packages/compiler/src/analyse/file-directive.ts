import type { ExportNamedDeclaration, Node, Program } from "@babel/types";
import { type FunctionNode, isFunction, isTypeOnly, rangeOf, unwrap } from "../parse/nodes.ts";
import type { DirectiveSite, DirectiveSites } from "./directive-sites.ts";
import type { Scope } from "./scope.ts";

/**
 * Spreads a directive at the top of a file over the functions which the file exports. Everything else that it exports, types aside, is
 * a problem: it would be left out without a word.
 */
export function applyFileDirective(program: Program, sites: DirectiveSites, module: Scope): void {
  const { file } = sites;
  if (file === null) return;
  const expected = file.kind === "step" ? "use step" : "use workflow";
  let count = 0;
  const refuse = (at: Node, what: string) =>
    sites.problems.push({ code: "FILE_DIRECTIVE_EXPORT", range: rangeOf(at), parameters: { expected, what } });
  const mark = (value: Node, at: Node, what: string) => {
    const node = unwrap(value);
    if (!isFunction(node)) return refuse(at, what);
    count++;
    markFunction(node, file, sites);
  };
  for (const statement of program.body) {
    if (statement.type === "ExportAllDeclaration" && statement.exportKind !== "type") refuse(statement, "everything of another file");
    if (statement.type === "ExportDefaultDeclaration")
      mark(resolve(statement.declaration, module), statement, "a default that is not a function");
    if (statement.type !== "ExportNamedDeclaration" || statement.exportKind === "type") continue;
    for (const [value, at, name] of exportedValues(statement, module)) mark(value, at, `${name}, which is not a function of this file`);
  }
  const range = rangeOf(file.directives[0]?.value ?? program);
  if (count === 0 && sites.problems.length === 0) sites.problems.push({ code: "FILE_DIRECTIVE_EMPTY", range, parameters: { expected } });
}

function markFunction(node: FunctionNode, file: DirectiveSite, sites: DirectiveSites): void {
  const own = sites.functions.get(node);
  if (own === undefined) sites.functions.set(node, { kind: file.kind, directives: [] });
  else if (own.kind !== file.kind) {
    const range = rangeOf(own.directives[0]?.value ?? node);
    sites.problems.push({ code: "DIRECTIVE_CONFLICT", range, parameters: { subject: "This function" } });
  }
}

/** Each value that the statement exports, where it is written, and its name. */
function* exportedValues(statement: ExportNamedDeclaration, module: Scope): Generator<[value: Node, at: Node, name: string]> {
  const { declaration } = statement;
  if (declaration?.type === "VariableDeclaration") {
    if (declaration.declare) return;
    for (const { id, init } of declaration.declarations) yield [init ?? id, id, id.type === "Identifier" ? id.name : "a pattern"];
  } else if (declaration && !isTypeOnly(declaration) && !("declare" in declaration && declaration.declare === true)) {
    yield [declaration, declaration, "id" in declaration && declaration.id?.type === "Identifier" ? declaration.id.name : "something"];
  }
  for (const specifier of statement.specifiers) {
    if (specifier.type === "ExportSpecifier" && specifier.exportKind === "type") continue;
    const local = specifier.type === "ExportSpecifier" && !statement.source ? specifier.local : specifier;
    const { exported } = specifier;
    const value = resolve(local, module);
    // A name without a value is that of a type.
    if (local.type === "Identifier" && value === local && !statement.source) continue;
    yield [value, specifier, exported.type === "Identifier" ? exported.name : exported.value];
  }
}

/** The function or value that a name of the module stands for. */
function resolve(node: Node, module: Scope): Node {
  if (node.type !== "Identifier") return node;
  const declaration = module.bindings.get(node.name)?.declaration;
  if (declaration === undefined) return node;
  return declaration.type === "VariableDeclarator" ? (declaration.init ?? declaration) : declaration;
}
