import type { MarkedFunction } from "../analyse/marked-function.ts";
import { type FunctionNode, type Range, isMethod, rangeOf } from "../parse/nodes.ts";
import { type Editor, findToken } from "./editor.ts";

/** Whether a function is written as an expression, so that a name can stand in its place. */
export function isExpression({ type }: FunctionNode): boolean {
  return type === "ArrowFunctionExpression" || type === "FunctionExpression";
}

/**
 * The part of a function that can stand elsewhere, behind the text that `detachedStart` gives: an expression as a whole, of a declaration
 * or method what follows its name, which stays.
 */
export function detachedRange(editor: Editor, { node }: MarkedFunction): Range {
  const { start, end } = rangeOf(node);
  if (isMethod(node)) {
    const key = rangeOf(node.key).end;
    return { start: "computed" in node && node.computed ? findToken(editor, "]", key) + 1 : key, end };
  }
  return { start: node.type === "FunctionDeclaration" && node.id ? rangeOf(node.id).end : start, end };
}

/** The part of a step that the host moves out: its name goes with it if nothing else is left of the place. */
export function movedRange(editor: Editor, fn: MarkedFunction): Range {
  const { node, workflow } = fn;
  const detached = detachedRange(editor, fn);
  return workflow !== null && node.type === "FunctionDeclaration" && node.id ? { ...detached, start: rangeOf(node.id).start } : detached;
}

/** What goes in front of the moved part. */
export function movedStart(fn: MarkedFunction): string {
  return fn.workflow !== null && fn.node.type === "FunctionDeclaration" ? "async function " : detachedStart(fn);
}

/** The part of a step that its call replaces in the workflow target, which keeps the name. */
export function replacedRange(editor: Editor, fn: MarkedFunction): Range {
  const { node } = fn;
  const detached = detachedRange(editor, fn);
  return node.type === "FunctionExpression" && node.id ? { ...detached, start: rangeOf(node.id).end } : detached;
}

/** What goes in front of the detached part. */
export function detachedStart({ node }: MarkedFunction): string {
  if (isMethod(node)) return "async function ";
  return node.type === "FunctionDeclaration" && node.id ? `async function ${node.id.name}` : "";
}

/** The parts of the function that takes a marked function's place. */
export interface Replacement {
  /** The name of its rest parameter. */
  args: string;
  /** The call that is its body. */
  call: string;
  /** A directive in front of the call. */
  mark?: string;
}

/** What takes the place of the detached part: a function with the same name and form whose body is one call. */
export function replacementText(fn: MarkedFunction, replacement: Replacement): string {
  const { node } = fn;
  const rest = replacedText(fn, replacement);
  return node.type === "FunctionExpression" && node.id ? `async function ${node.id.name}${rest}` : rest;
}

/** What takes the place of the replaced part. */
export function replacedText({ node }: MarkedFunction, { args, call, mark }: Replacement): string {
  if (node.type === "ArrowFunctionExpression") return `async (...${args}) => ${call}`;
  const rest = `(...${args}) { ${mark === undefined ? "" : `${mark} `}return ${call}; }`;
  return isMethod(node) || node.id ? rest : `async function ${rest}`;
}

/** A name for what becomes of a function. */
export function generatedName(editor: Editor, { name }: MarkedFunction): string {
  const plain = name.replace(/[^\w$]+/g, "_").replace(/^_+|_+$/g, "");
  return editor.uniqueName(`$${plain === "" ? "function" : plain}`);
}
