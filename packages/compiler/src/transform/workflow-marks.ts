import type { MarkedFunction } from "../analyse/marked-function.ts";
import { rangeOf } from "../parse/nodes.ts";
import { type Editor, findToken } from "./editor.ts";

/**
 * The directive by which the runtime recognises a workflow's function in a bundle: bundlers keep it with the function, and only with it. What could not stand in
 * a string as it is, is escaped as in a URI.
 */
export function workflowMark({ id }: MarkedFunction): string {
  return `"perdure:workflow ${encodeURI(id).replaceAll("'", "%27")}";`;
}

/** Puts the mark at the beginning of a workflow's body. */
export function markWorkflow(editor: Editor, workflow: MarkedFunction): void {
  const { node } = workflow;
  const { text } = editor;
  const { start } = rangeOf(node.body);
  if (node.body.type === "BlockStatement") {
    text.appendLeft(start + 1, ` ${workflowMark(workflow)}`);
    return;
  }
  // `async (order) => charge(order)` in a file with a directive.
  const head = [node.typeParameters, ...node.params, "returnType" in node ? node.returnType : null];
  const headEnd = Math.max(rangeOf(node).start, ...head.map((part) => (part ? rangeOf(part).end : 0)));
  const arrow = findToken(editor, "=>", headEnd) + "=>".length;
  text.appendLeft(arrow, ` { ${workflowMark(workflow)} return (`).appendLeft(rangeOf(node).end, "); }");
}
