import type { Directive, Expression, File, Node } from "@babel/types";
import type { Problem } from "../diagnose/diagnostic.ts";
import { type DirectiveKind, directiveText } from "../parse/directive-text.ts";
import { type FunctionNode, isFunction, rangeOf, unwrap } from "../parse/nodes.ts";
import { walk } from "../parse/walk.ts";
import type { ScopeTree } from "./scope-tree.ts";

/** A prologue that holds a directive of ours. `directives` are all of ours in it. */
export interface DirectiveSite {
  kind: DirectiveKind;
  directives: Directive[];
}

/** Where a file has directives, and the strings that only look like one. */
export interface DirectiveSites {
  file: DirectiveSite | null;
  functions: Map<FunctionNode, DirectiveSite>;
  problems: Problem[];
}

const textOf = (kind: DirectiveKind): string => (kind === "step" ? "use step" : "use workflow");

/** Finds every directive, and every string in statement position that is not one but looks as if it were meant as one. */
export function findDirectiveSites(file: File, tree: ScopeTree): DirectiveSites {
  const sites: DirectiveSites = { file: null, functions: new Map(), problems: [] };
  sites.file = readPrologue(file.program.directives, "This file", sites.problems);
  walk(file.program, (node, parent) => {
    if (isFunction(node)) {
      const directives = node.body.type === "BlockStatement" ? node.body.directives : [];
      const site = readPrologue(directives, "This function", sites.problems);
      if (site !== null) sites.functions.set(node, site);
    }
    const problem = strayString(node, parent, tree);
    if (problem !== null) sites.problems.push(problem);
  });
  return sites;
}

function readPrologue(directives: Directive[], subject: string, problems: Problem[]): DirectiveSite | null {
  let site: DirectiveSite | null = null;
  for (const directive of directives) {
    const raw = directive.value.value;
    const cooked = directive.value.extra?.["expressionValue"];
    const text = directiveText(raw, typeof cooked === "string" ? cooked : raw);
    if (text === null) continue;
    const range = rangeOf(directive.value);
    const expected = textOf(text.kind);
    if (text.match === "escaped") problems.push({ code: "DIRECTIVE_ESCAPED", range, parameters: { expected } });
    else if (text.match === "typo") problems.push({ code: "DIRECTIVE_TYPO", range, parameters: { text: raw, expected } });
    else if (site === null) site = { kind: text.kind, directives: [directive] };
    else {
      site.directives.push(directive);
      if (site.kind !== text.kind) problems.push({ code: "DIRECTIVE_CONFLICT", range, parameters: { subject } });
    }
  }
  return site;
}

/** A string that stands where it has no effect of its own, so that it can only be meant as a directive. */
function strayString(node: Node, parent: Node | null, tree: ScopeTree): Problem | null {
  switch (node.type) {
    case "ExpressionStatement":
      return strayStatement(node.expression, parent, tree);
    case "ArrowFunctionExpression":
      return node.async ? strayPart(node.body, "it is the value that the arrow function returns") : null;
    case "ClassProperty":
      return node.value ? null : strayPart(node.key, "it is the name of a class field");
    default:
      return null;
  }
}

function strayStatement(expression: Expression, parent: Node | null, tree: ScopeTree): Problem | null {
  const inner = unwrap(expression);
  if (inner.type === "TemplateLiteral" || inner.type === "StringLiteral") {
    const text = literalText(inner);
    if (text === null) return null;
    const range = rangeOf(inner);
    const expected = textOf(text.kind);
    if (inner.type === "TemplateLiteral") return { code: "DIRECTIVE_TEMPLATE", range, parameters: { expected } };
    if (text.match === "typo") return { code: "DIRECTIVE_TYPO", range, parameters: { text: inner.value, expected } };
    if (inner.extra?.["parenthesized"] === true) return stray(range, expected, "it is in parentheses");
    if (inner !== expression) return stray(range, expected, "it is part of a longer expression");
    const reason = blockReason(parent, tree);
    return reason === null ? { code: "DIRECTIVE_NOT_FIRST", range, parameters: { expected } } : stray(range, expected, reason);
  }
  return strayPart(leftmost(expression), "it is part of a longer expression, so end it with a semicolon");
}

function strayPart(node: Node, reason: string): Problem | null {
  const text = literalText(node);
  if (text === null || text.match === "typo") return null;
  return stray(rangeOf(node), textOf(text.kind), reason);
}

function stray(range: { start: number; end: number }, expected: string, reason: string): Problem {
  return { code: "DIRECTIVE_STRAY", range, parameters: { expected, reason } };
}

function literalText(node: Node) {
  if (node.type === "StringLiteral") {
    const raw = node.extra?.["raw"];
    return directiveText(typeof raw === "string" ? raw.slice(1, -1) : node.value, node.value);
  }
  if (node.type !== "TemplateLiteral" || node.expressions.length > 0) return null;
  const value = node.quasis[0]?.value;
  return value === undefined ? null : directiveText(value.raw, value.cooked ?? value.raw);
}

/** Why a statement of its own is no directive, other than by coming too late. */
function blockReason(parent: Node | null, tree: ScopeTree): string | null {
  switch (parent?.type) {
    case "Program":
      return null;
    case "BlockStatement": {
      const owner = tree.parentOf(parent);
      return owner !== null && isFunction(owner) ? null : "it is inside a block, not at the top of a function";
    }
    case "StaticBlock":
      return "it is inside a static block of a class";
    case "TSModuleBlock":
      return "it is inside a namespace";
    default:
      return "it is not at the top of a function";
  }
}

/** The operand with which an expression begins in the source. */
function leftmost(expression: Node): Node {
  let node = unwrap(expression);
  for (;;) {
    const next = firstOperand(node);
    if (next === null) return node;
    node = unwrap(next);
  }
}

function firstOperand(node: Node): Node | null {
  switch (node.type) {
    case "SequenceExpression":
      return node.expressions[0] ?? null;
    case "CallExpression":
    case "OptionalCallExpression":
      return node.callee;
    case "MemberExpression":
    case "OptionalMemberExpression":
      return node.object;
    case "TaggedTemplateExpression":
      return node.tag;
    case "ConditionalExpression":
      return node.test;
    case "BinaryExpression":
    case "LogicalExpression":
    case "AssignmentExpression":
      return node.left;
    default:
      return null;
  }
}
