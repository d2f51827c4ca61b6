import type { ExportDefaultDeclaration, Node } from "@babel/types";
import type { MarkedFunction } from "../analyse/marked-function.ts";
import { RangeSet } from "../analyse/range-set.ts";
import { isDeclaration } from "../analyse/reach.ts";
import { type Range, rangeOf } from "../parse/nodes.ts";
import { type Editor, findToken, nameFunction, removeDirectives, removeWithLine, topOf } from "./editor.ts";
import { removeUnusedImports } from "./imports.ts";
import { wrapInitialisers } from "./initialisers.ts";

/**
 * The module for the orchestration bundle: steps become calls by id, and what only they and the host need goes. Each workflow gets an
 * export of its own, `$perdure0` for the first. A module without marks only gets its initialisers wrapped.
 */
export function transformWorkflow(editor: Editor): void {
  const { marked, sites, stepRanges, file } = editor.analysis;
  if (marked.length > 0) {
    removeDirectives(editor, sites.file?.directives ?? []);
    const removed = new RangeSet([...stepRanges, ...removeStatements(editor)]);
    removeUnusedImports(editor, (node) => removed.contains(rangeOf(node)));
  }
  wrapInitialisers(editor);
  const steps = marked.filter(({ kind }) => kind === "step");
  if (steps.length > 0) {
    const names = { callStep: editor.uniqueName("$callStep"), args: editor.uniqueName("$args") };
    for (const step of steps) replaceStep(editor, step, names);
    editor.text.prependLeft(topOf(file), `import { callStep as ${names.callStep} } from "perdure/internal"; `);
  }
  const workflows = marked.filter(({ kind }) => kind === "workflow");
  for (const workflow of workflows) removeDirectives(editor, workflow.directives);
  addExports(editor, workflows);
}

/** Top-level statements go unless a workflow depends on what they do. */
function removeStatements(editor: Editor): Range[] {
  const { file, reach } = editor.analysis;
  const dead = file.program.body.filter((statement) => !isDeclaration(statement) && !reach.statements.has(statement));
  for (const statement of dead) removeWithLine(editor, rangeOf(statement));
  return dead.map(rangeOf);
}

function replaceStep(editor: Editor, step: MarkedFunction, { callStep, args }: { callStep: string; args: string }): void {
  const { node, id, captures } = step;
  const { start, end } = rangeOf(node);
  const values = captures.length === 0 ? "" : `, { ${captures.map(({ name }) => name).join(", ")} }`;
  const call = `${callStep}(${JSON.stringify(id)}, ${args}${values})`;
  const body = `(...${args}) { return ${call}; }`;
  if (node.type === "ArrowFunctionExpression") editor.text.update(start, end, `async (...${args}) => ${call}`);
  else if (node.type === "ObjectMethod") editor.text.update(rangeOf(node.key).end, end, body);
  else if ("id" in node && node.id) editor.text.update(rangeOf(node.id).end, end, body);
  else editor.text.update(start, end, `async function ${body}`);
}

function addExports(editor: Editor, workflows: readonly MarkedFunction[]): void {
  const defaults = new Map<Node, string>();
  const lines: string[] = [];
  for (const [index, workflow] of workflows.entries()) {
    const { placement, node } = workflow;
    const exported = `$perdure${index}`;
    switch (placement.kind) {
      case "declaration": {
        const name = placement.name ?? editor.uniqueName("$default");
        if (placement.name === null) nameFunction(editor, node, name);
        lines.push(`export { ${name} as ${exported} };`);
        break;
      }
      case "variable":
        lines.push(`export { ${placement.name} as ${exported} };`);
        break;
      case "default":
        lines.push(`export { ${nameDefault(editor, placement.statement, defaults)} as ${exported} };`);
        break;
      case "member": {
        const { root, rootName, keys } = placement;
        const object = rootName ?? (root.type === "ExportDefaultDeclaration" ? nameDefault(editor, root, defaults) : "");
        const path = keys.map((key) => `[${JSON.stringify(key)}]`).join("");
        lines.push(`export const ${exported} = /* @__PURE__ */ (() => ${object}${path})();`);
        break;
      }
      case "nested":
        break;
      default:
        placement satisfies never;
    }
  }
  for (const name of defaults.values()) lines.push(`export { ${name} as default };`);
  if (lines.length > 0) editor.text.append(`\n${lines.join("\n")}\n`);
}

/** Turns `export default …` into a constant, once, and returns its name. */
function nameDefault(editor: Editor, statement: ExportDefaultDeclaration, defaults: Map<Node, string>): string {
  const known = defaults.get(statement);
  if (known !== undefined) return known;
  const name = editor.uniqueName("$default");
  const { start } = rangeOf(statement);
  editor.text.update(start, findToken(editor, "default", start) + "default".length, `const ${name} =`);
  defaults.set(statement, name);
  return name;
}
