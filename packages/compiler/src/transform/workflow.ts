import type { ExportDefaultDeclaration, Node } from "@babel/types";
import type { MarkedFunction } from "../analyse/marked-function.ts";
import { climb } from "../analyse/placement.ts";
import { RangeSet } from "../analyse/range-set.ts";
import { isDeclaration } from "../analyse/reach.ts";
import type { ScopeTree } from "../analyse/scope-tree.ts";
import { type Range, contains, isMethod, rangeOf } from "../parse/nodes.ts";
import { type Editor, findToken, nameFunction, removeDirectives, removeWithLine, topOf, updateExcept } from "./editor.ts";
import { detachedRange, detachedStart, generatedName, isExpression, replacedRange, replacedText, replacementText } from "./functions.ts";
import { removeUnusedImports } from "./imports.ts";
import { wrapInitialisers } from "./initialisers.ts";
import { registerClasses } from "./stored-classes.ts";
import { markWorkflow, workflowMark } from "./workflow-marks.ts";

/**
 * The module for the orchestration bundle: steps become calls by id, and what only they and the host need goes. Each workflow gets an
 * export of its own, `$perdure0` for the first. A module without marks only gets its initialisers wrapped.
 */
export function transformWorkflow(editor: Editor): void {
  const { marked, sites, stepRanges } = editor.analysis;
  const workflows = marked.filter(({ kind }) => kind === "workflow");
  const moved = workflows.filter((workflow) => !hasModuleName(workflow, editor));
  const movedRanges = moved.map((workflow) => detachedRange(editor, workflow));
  let gone = new RangeSet([]);
  const kept = new RangeSet(movedRanges);
  const isGone = (node: Node) => gone.contains(rangeOf(node)) && !kept.contains(rangeOf(node));
  if (marked.length > 0) {
    removeDirectives(editor, sites.file?.directives ?? []);
    gone = new RangeSet(removeStatements(editor, movedRanges));
    const bodies = new RangeSet(stepRanges);
    removeUnusedImports(editor, (node) => bodies.contains(rangeOf(node)) || isGone(node));
  }
  registerStoredClasses(editor, isGone);
  for (const workflow of workflows) markWorkflow(editor, workflow);
  wrapInitialisers(editor);
  const args = editor.uniqueName("$args");
  const steps = marked.filter(({ kind, node }) => kind === "step" && !isGone(node));
  replaceSteps(editor, steps, args);
  for (const workflow of workflows) removeDirectives(editor, workflow.directives);
  const names = moved.map((workflow) => {
    const isLive = !gone.contains(rangeOf(workflow.node));
    return [workflow, moveWorkflow(editor, workflow, { args, isLive })] as const;
  });
  addExports(editor, workflows, new Map(names));
}

/** Top-level statements go unless a workflow depends on what they do; what is to move out of them stays. */
function removeStatements(editor: Editor, moved: readonly Range[]): Range[] {
  const { file, reach } = editor.analysis;
  const dead = file.program.body.filter((statement) => !isDeclaration(statement) && !reach.statements.has(statement)).map(rangeOf);
  for (const range of dead) {
    const kept = moved.filter((inner) => contains(range, inner));
    if (kept.length === 0) removeWithLine(editor, range);
    else updateExcept(editor, range, kept, "");
  }
  return dead;
}

/** Those inside steps go with them. */
function registerStoredClasses(editor: Editor, isGone: (node: Node) => boolean): void {
  const steps = new RangeSet(editor.analysis.stepRanges);
  let name: string | null = null;
  registerClasses(
    editor,
    (node) => isGone(node) || steps.contains(rangeOf(node)),
    (id) => `${(name ??= editor.uniqueName("$registerClass"))}(${JSON.stringify(id)}, this)`,
  );
  if (name !== null) editor.text.prependLeft(topOf(editor.analysis.file), `import { registerClass as ${name} } from "perdure/internal"; `);
}

function replaceSteps(editor: Editor, steps: readonly MarkedFunction[], args: string): void {
  if (steps.length === 0) return;
  const callStep = editor.uniqueName("$callStep");
  for (const step of steps) {
    const { start, end } = replacedRange(editor, step);
    const captures = step.captures.length === 0 ? "" : `, { ${step.captures.map(({ name }) => name).join(", ")} }`;
    const more = step.usesThis ? ", undefined, this" : captures;
    editor.text.update(start, end, replacedText(step, { args, call: `${callStep}(${JSON.stringify(step.id)}, ${args}${more})` }));
  }
  editor.text.prependLeft(topOf(editor.analysis.file), `import { callStep as ${callStep} } from "perdure/internal"; `);
}

/** Makes a workflow a constant of the module; where it stood, if that is still there, the constant is used. Returns its name. */
function moveWorkflow(editor: Editor, workflow: MarkedFunction, { args, isLive }: { args: string; isLive: boolean }): string {
  const { text, analysis } = editor;
  const { start, end } = detachedRange(editor, workflow);
  const name = generatedName(editor, workflow);
  const forward = { args, call: `${name}(...${args})`, mark: workflowMark(workflow) };
  const stays = isExpression(workflow.node) ? name : replacementText(workflow, forward);
  if (isLive) text.appendLeft(start, stays);
  text.appendRight(start, `const ${name} = ${detachedStart(workflow)}`).appendLeft(end, "; ");
  text.move(start, end, topOf(analysis.file));
  return name;
}

/** Whether a workflow is a declaration, constant or default export of the module, which can be exported by its name. */
function hasModuleName({ node }: MarkedFunction, { analysis: { tree } }: Editor): boolean {
  if (isMethod(node)) return false;
  const [value, parent] = climb(node, tree);
  if (node.type === "FunctionDeclaration") return isTopLevel(value, tree);
  if (parent?.type === "ExportDefaultDeclaration") return true;
  if (parent?.type !== "VariableDeclarator" || parent.id.type !== "Identifier") return false;
  return isTopLevel(tree.parentOf(parent), tree);
}

/** Whether a declaration belongs to the module, and not to a block or namespace. */
function isTopLevel(declaration: Node | null, tree: ScopeTree): boolean {
  const parent = declaration && tree.parentOf(declaration);
  const owner = parent?.type.startsWith("Export") ? tree.parentOf(parent) : parent;
  return owner?.type === "Program";
}

function addExports(editor: Editor, workflows: readonly MarkedFunction[], moved: ReadonlyMap<MarkedFunction, string>): void {
  const lines: string[] = [];
  for (const [index, workflow] of workflows.entries()) {
    lines.push(`export { ${moved.get(workflow) ?? nameInModule(editor, workflow, lines)} as $perdure${index} };`);
  }
  if (lines.length > 0) editor.text.append(`\n${lines.join("\n")}\n`);
}

function nameInModule(editor: Editor, { node }: MarkedFunction, lines: string[]): string {
  const [, parent] = climb(node, editor.analysis.tree);
  if (parent?.type === "VariableDeclarator" && parent.id.type === "Identifier") return parent.id.name;
  if (node.type === "FunctionDeclaration" && node.id) return node.id.name;
  const name = editor.uniqueName("$default");
  if (node.type === "FunctionDeclaration") nameFunction(editor, node, name);
  else if (parent?.type === "ExportDefaultDeclaration") {
    nameDefault(editor, parent, name);
    lines.push(`export { ${name} as default };`);
  }
  return name;
}

/** Turns `export default …` into a constant. */
function nameDefault(editor: Editor, statement: ExportDefaultDeclaration, name: string): void {
  const { start } = rangeOf(statement);
  editor.text.update(start, findToken(editor, "default", start) + "default".length, `const ${name} =`);
}
