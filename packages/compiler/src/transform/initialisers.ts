import type {
  Class,
  ExportDefaultDeclaration,
  ExportNamedDeclaration,
  Node,
  Statement,
  VariableDeclaration,
  VariableDeclarator,
} from "@babel/types";
import { findAwait, isPure, isPureClass } from "../analyse/purity.ts";
import { rangeOf } from "../parse/nodes.ts";
import { type Editor, findToken } from "./editor.ts";

const OPEN = "/* @__PURE__ */ (() => ";

/**
 * Wraps what may have an effect when the module is evaluated, so that the bundler drops it together with its name if nothing needs it:
 * a call alone would stay for the sake of its arguments, which may have effects of their own.
 */
export function wrapInitialisers(editor: Editor): void {
  for (const statement of editor.analysis.file.program.body) wrapStatement(editor, statement);
}

function wrapStatement(editor: Editor, statement: Statement): void {
  switch (statement.type) {
    case "VariableDeclaration":
      return wrapVariables(editor, statement);
    case "ClassDeclaration":
      return wrapClass(editor, statement);
    case "ExportDefaultDeclaration":
      return wrapDefault(editor, statement);
    case "ExportNamedDeclaration":
      if (statement.declaration?.type === "VariableDeclaration") wrapVariables(editor, statement.declaration);
      if (statement.declaration?.type === "ClassDeclaration") wrapClass(editor, statement.declaration, statement);
      return;
    default:
      return;
  }
}

function wrapVariables(editor: Editor, declaration: VariableDeclaration): void {
  if (declaration.declare) return;
  if (declaration.kind === "using" || declaration.kind === "await using") return replaceResources(editor, declaration);
  for (const declarator of declaration.declarations) {
    if (!declarator.init) continue;
    if (declarator.id.type !== "Identifier") wrapPattern(editor, declarator, declaration.kind);
    else if (!isPure(declarator.init, editor.analysis.tree.module)) wrapExpression(editor, declarator.init, declarator.id.name);
  }
}

function wrapExpression(editor: Editor, expression: Node, name = "default"): void {
  const { start, end } = rangeOf(expression);
  if (replaceAwait(editor, expression, (value) => value, name)) return;
  editor.text.prependRight(start, `${OPEN}(`).appendLeft(end, "))()");
}

/** A pattern reads members, which may be getters, so the bundler keeps it: the names become constants of their own. */
function wrapPattern(editor: Editor, declarator: VariableDeclarator, kind: string): void {
  const { start, end } = rangeOf(declarator);
  const names = patternNames(declarator.id);
  // `const{ a } = …` in minified code.
  const space = /[\w$]/.test(editor.code[start - 1] ?? "") ? " " : "";
  if (findAwait(declarator) !== null) {
    return void editor.text.update(start, end, space + names.map((name) => `${name} = ${unavailable(name)}`).join(", "));
  }
  const all = editor.uniqueName("$all");
  const members = names.map((name) => `, ${name} = ${OPEN}${all}.${name})()`).join("");
  editor.text.prependRight(start, `${space}${all} = ${OPEN}{ ${kind} `).appendLeft(end, `; return { ${names.join(", ")} }; })()${members}`);
}

/** The names that a pattern declares. */
function patternNames(pattern: Node | null): string[] {
  switch (pattern?.type) {
    case "Identifier":
      return [pattern.name];
    case "ObjectPattern":
      return pattern.properties.flatMap((part) => patternNames(part.type === "RestElement" ? part : part.value));
    case "ArrayPattern":
      return pattern.elements.flatMap(patternNames);
    case "AssignmentPattern":
      return patternNames(pattern.left);
    case "RestElement":
      return patternNames(pattern.argument);
    default:
      return [];
  }
}

/** A class has the same temporal dead zone as a constant, so it may become one. */
function wrapClass(editor: Editor, node: Class, statement: ExportNamedDeclaration | null = null): void {
  if (("declare" in node && node.declare === true) || !node.id || isPureClass(node, editor.analysis.tree.module)) return;
  const { start, end } = rangeOf(node);
  const { name } = node.id;
  const isLifted = statement !== null && removeExport(editor, statement, node);
  const again = isLifted ? ` export { ${name} };` : "";
  if (replaceAwait(editor, node, (value) => `const ${name} = ${value};${again}`, name)) return;
  editor.text.prependRight(start, `const ${name} = ${OPEN}{ `).appendLeft(end, ` return ${name}; })();${again}`);
}

/** `@sealed export class Order {}`: where `export` stands behind the decorators, and so within the class, removes it. */
function removeExport(editor: Editor, statement: ExportNamedDeclaration | ExportDefaultDeclaration, node: Class): boolean {
  const last = node.decorators?.at(-1);
  if (!last || rangeOf(statement).start !== rangeOf(node).start) return false;
  const start = findToken(editor, "export", rangeOf(last).end);
  const word = statement.type === "ExportDefaultDeclaration" ? "default" : "export";
  editor.text.remove(start, findToken(editor, word, start) + word.length);
  return true;
}

function wrapDefault(editor: Editor, statement: ExportDefaultDeclaration): void {
  const { declaration } = statement;
  if (declaration.type === "ClassDeclaration") {
    if (isPureClass(declaration, editor.analysis.tree.module)) return;
    const { start } = rangeOf(declaration);
    const isLifted = removeExport(editor, statement, declaration);
    if (!declaration.id) {
      wrapExpression(editor, declaration);
      if (isLifted) editor.text.prependRight(start, "export default ");
      return;
    }
    editor.text.remove(rangeOf(statement).start, start);
    wrapClass(editor, declaration);
    return void editor.text.appendLeft(rangeOf(statement).end, ` export { ${declaration.id.name} as default };`);
  }
  if (declaration.type === "FunctionDeclaration" || declaration.type === "TSDeclareFunction") return;
  if (!isPure(declaration, editor.analysis.tree.module)) wrapExpression(editor, declaration);
}

/** The name that stands, called with the name of a variable, for a value that only the host can have. */
export const UNAVAILABLE = "__perdureUnavailable";

/**
 * What is awaited at the top level cannot be had in a workflow. The value is replaced by a call of a name that does not exist, which falls
 * away with what it initialises, or else tells the bundler that a workflow needs it.
 */
function replaceAwait(editor: Editor, node: Node, print: (value: string) => string, name: string): boolean {
  if (findAwait(node) === null) return false;
  const { start, end } = rangeOf(node);
  editor.text.update(start, end, print(unavailable(name)));
  return true;
}

/** A resource of the module would be disposed of before a workflow runs, and the bundler never drops one. */
function replaceResources(editor: Editor, declaration: VariableDeclaration): void {
  const { start, end } = rangeOf(declaration);
  const names = declaration.declarations.flatMap(({ id }) => patternNames(id));
  editor.text.update(start, end, `const ${names.map((name) => `${name} = ${unavailable(name)}`).join(", ")};`);
}

const unavailable = (name: string): string => `${OPEN}${UNAVAILABLE}(${JSON.stringify(name)}))()`;
