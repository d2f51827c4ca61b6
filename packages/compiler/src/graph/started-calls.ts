import type { Node, Statement } from "@babel/types";
import { findAwait } from "../analyse/purity.ts";
import type { Binding } from "../analyse/scope.ts";
import type { ScopeTree } from "../analyse/scope-tree.ts";
import { type Range, contains, isWrapper, rangeOf, unwrap } from "../parse/nodes.ts";
import { walk } from "../parse/walk.ts";
import { type ValueReader, methodName } from "./value-reader.ts";

/** What recognises calls that a function starts first and awaits later. */
export interface StartedCalls {
  /**
   * The variable in which a statement puts promises without awaiting them, if they are awaited later: `const paid = charge(order)`, or
   * `tasks.push(charge(order))`, also in a loop.
   */
  startedBy(statement: Statement): Binding | null;
  /** Whether a part of the source waits for what is in the variable. */
  awaitedIn(binding: Binding, range: Range): boolean;
}

export function createStartedCalls(tree: ScopeTree, values: ValueReader, isCombinator: (call: Node) => boolean): StartedCalls {
  const awaitedIn = (binding: Binding, range: Range) =>
    binding.references.some(({ node }) => contains(range, rangeOf(node)) && isAwaited(node, tree, isCombinator));
  const awaitedAfter = (binding: Binding, { end }: Range) => awaitedIn(binding, { start: end, end: Number.POSITIVE_INFINITY });

  return {
    awaitedIn,
    startedBy(statement) {
      const binding = declaredPromise(statement, values) ?? pushedPromise(statement, values);
      return binding !== null && awaitedAfter(binding, rangeOf(statement)) ? binding : null;
    },
  };
}

function declaredPromise(statement: Statement, values: ValueReader): Binding | null {
  const [declarator] = statement.type === "VariableDeclaration" ? statement.declarations : [];
  if (declarator?.id.type !== "Identifier" || !declarator.init || !isCall(unwrap(declarator.init))) return null;
  return values.declared(declarator.id);
}

/** The array to which a statement adds a promise. */
function pushedPromise(statement: Statement, values: ValueReader): Binding | null {
  if (!/^(?:Expression|For|ForOf|ForIn|While)Statement$/.test(statement.type) || findAwait(statement) !== null) return null;
  let found: Binding | null = null;
  walk(statement, (node) => {
    if (node.type !== "CallExpression" || node.callee.type !== "MemberExpression" || methodName(node.callee) !== "push") return;
    if (node.arguments.some((argument) => isCall(unwrap(argument)))) found ??= values.bindingOf(node.callee.object) ?? null;
  });
  return found;
}

/** Whether the promise in a variable is awaited where the variable is used: itself, or in a list that a method of Promise gets. */
function isAwaited(use: Node, tree: ScopeTree, isCombinator: (call: Node) => boolean): boolean {
  let node = use;
  for (let parent = tree.parentOf(node); parent !== null; parent = tree.parentOf(node)) {
    if (parent.type === "AwaitExpression") return true;
    if (parent.type === "ForOfStatement") return parent.await && parent.right === node;
    if (parent.type === "CallExpression") return node !== parent.callee && isCombinator(parent);
    if (parent.type === "MemberExpression") return parent.object === node && /^(?:then|catch|finally)$/.test(methodName(parent) ?? "");
    if (!isWrapper(parent) && parent.type !== "ArrayExpression" && parent.type !== "SpreadElement") return false;
    node = parent;
  }
  return false;
}

function isCall(node: Node): boolean {
  return node.type === "CallExpression" || node.type === "OptionalCallExpression";
}
