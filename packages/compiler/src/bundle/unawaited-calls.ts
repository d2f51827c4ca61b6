import type { CallExpression, Node } from "@babel/types";
import type { Value } from "../graph/outline.ts";
import { ValueReader } from "../graph/value-reader.ts";
import { type FunctionNode, type Range, isFunction, isWrapper, rangeOf, unwrap } from "../parse/nodes.ts";
import { children, walk } from "../parse/walk.ts";
import { parse } from "../parse/parse.ts";
import type { OriginalPlace, ParsedBundle } from "./parsed-bundle.ts";

/** The functions of the runtime that return a promise. */
const promises: ReadonlySet<string> = new Set(["callStep", "sleep"]);

/**
 * The places in the sources where a bundle calls a step or `sleep` and nothing uses the promise. Steps are known by what is left of them,
 * a call of `callStep`, so that the file they come from does not matter. `void` is gone from a bundle: whether the call was meant so, the
 * source must say.
 */
export function findUnawaitedCalls({ program, tree, originalOf }: ParsedBundle): OriginalPlace[] {
  const functions = new Map<string, FunctionNode>();
  const keyOf = (node: FunctionNode) => {
    const key = String(rangeOf(node).start);
    functions.set(key, node);
    return key;
  };
  const values = new ValueReader({ tree, keyOf, textOf: () => "" });
  const bundle = outermost(program);
  /** The name on `__perdure`, the parameter of the bundle, that a value is. */
  const runtimeName = (value: Value | null | undefined): string | null =>
    value?.is === "member" && value.of.is === "parameter" && functions.get(value.of.of) === bundle ? value.name : null;

  const isStub = (fn: FunctionNode | undefined): boolean => {
    const [statement] = fn?.body.type === "BlockStatement" ? fn.body.body : [];
    const result = statement === undefined ? fn?.body : statement.type === "ReturnStatement" ? statement.argument : null;
    return result?.type === "CallExpression" && runtimeName(values.valueOf(result.callee)) === "callStep";
  };
  const returnsPromise = (value: Value | null | undefined): boolean => {
    if (value?.is === "function") return isStub(functions.get(value.key));
    if (value?.is === "either") return value.values.every(returnsPromise);
    if (value?.is === "result") return runtimeName(value.of) === "withOptions" && returnsPromise(value.values[0]);
    return promises.has(runtimeName(value) ?? "");
  };

  return unusedCalls(program).flatMap((call) => {
    if (!returnsPromise(values.valueOf(call.callee))) return [];
    const place = originalOf(rangeOf(call).start);
    return place === null || place.source.includes("node_modules/") ? [] : [place];
  });
}

function outermost(program: Node): FunctionNode | null {
  let found: FunctionNode | null = null;
  walk(program, (node) => {
    if (found === null && isFunction(node)) found = node;
    return found === null;
  });
  return found;
}

/** The calls whose results are thrown away: statements, and what minification makes of statements. */
function unusedCalls(program: Node): CallExpression[] {
  const calls: CallExpression[] = [];
  const unused = (expression: Node): void => {
    const node = unwrap(expression);
    if (node.type === "CallExpression") calls.push(node);
    else if (node.type === "LogicalExpression") unused(node.right);
    else if (node.type === "SequenceExpression") node.expressions.slice(-1).forEach(unused);
    else if (node.type === "ConditionalExpression") [node.consequent, node.alternate].forEach(unused);
  };
  walk(program, (node) => {
    if (node.type === "ExpressionStatement") unused(node.expression);
    else if (node.type === "SequenceExpression") node.expressions.slice(0, -1).forEach(unused);
    else if (node.type === "ForStatement") [node.init, node.update].forEach((part) => part && unused(part));
  });
  return calls;
}

/** The call in a source that begins at an offset, unless its promise is thrown away on purpose, with `void`. */
export function carelessCall(code: string, filename: string, offset: number): Range | null {
  const parsed = parse(code, filename);
  if (!parsed.ok) return { start: offset, end: offset };
  const path = pathTo(parsed.file.program, offset);
  const index = path.findIndex((node) => /^(?:Optional)?CallExpression$/.test(node.type) && rangeOf(node).start === offset);
  const call = path[index];
  if (call === undefined) return { start: offset, end: offset };
  const around = path
    .slice(0, index)
    .findLast((node) => !isWrapper(node) && !/^(?:Sequence|Logical|Conditional)Expression$/.test(node.type));
  return around?.type === "UnaryExpression" && around.operator === "void" ? null : rangeOf(call);
}

/** The nodes around an offset, from the outside in. */
function pathTo(root: Node, offset: number): Node[] {
  const path = [root];
  const contains = (node: Node) => rangeOf(node).start <= offset && offset < rangeOf(node).end;
  for (let node: Node | undefined = root; node !== undefined;) {
    node = children(node).find(contains);
    if (node !== undefined) path.push(node);
  }
  return path;
}
