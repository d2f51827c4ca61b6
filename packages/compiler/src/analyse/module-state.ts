import type { Node } from "@babel/types";
import type { Problem } from "../diagnose/diagnostic.ts";
import { type FunctionNode, type Range, rangeOf, unwrap } from "../parse/nodes.ts";
import type { MarkedFunction } from "./marked-function.ts";
import { memberUseOf } from "./member-use.ts";
import { enclosingFunctions, nameOf } from "./names.ts";
import { RangeSet } from "./range-set.ts";
import type { Reach } from "./reach.ts";
import type { Binding, Reference } from "./scope.ts";
import type { ScopeTree } from "./scope-tree.ts";

/** What the search for shared state looks at. */
interface ModuleStateInput {
  tree: ScopeTree;
  marked: readonly MarkedFunction[];
  stepRanges: readonly Range[];
  reach: Reach;
}

/**
 * The variables of the module that workflow code reads and others change while the application runs: ones that a step or code of the host
 * assigns, and objects, arrays, maps and sets that these fill. What only the module's initialisation writes is a constant; what only
 * workflow code writes belongs to the run.
 */
export function findModuleState({ tree, marked, stepRanges, reach }: ModuleStateInput): Problem[] {
  const steps = new RangeSet(stepRanges);
  const workflowCode = new RangeSet([
    ...marked.filter(({ kind }) => kind === "workflow").map(({ node }) => rangeOf(node)),
    ...[...reach.bindings].map(({ declaration }) => rangeOf(declaration)),
    ...[...reach.statements].map(rangeOf),
  ]);
  const isWorkflowCode = ({ node }: Reference) => workflowCode.contains(rangeOf(node)) && !steps.contains(rangeOf(node));
  const isRead = (reference: Reference) => reference.access !== "write" && !isMutation(reference, tree);

  return [...reach.bindings].flatMap((binding): Problem[] => {
    const read = binding.references.find((reference) => isRead(reference) && isWorkflowCode(reference));
    const write = read && lateWrites(binding, tree).find((reference) => !isWorkflowCode(reference));
    if (read === undefined || write === undefined) return [];
    const parameters = { variable: binding.name, writer: writerOf(write, marked, tree) };
    return [{ code: "MODULE_STATE", range: rangeOf(read.node), parameters }];
  });
}

/** The uses of a variable of the module that change it, or what it holds, after the module has been initialised. */
export function lateWrites(binding: Binding, tree: ScopeTree): Reference[] {
  if (!/^(?:let|var|const)$/.test(binding.kind)) return [];
  const isObject = isContainer(binding);
  return binding.references.filter((reference) => {
    const isWrite = reference.access !== "read" || (isObject && isMutation(reference, tree));
    return isWrite && !runsWithModule(reference.node, tree);
  });
}

/** Whether code is evaluated together with the module: at its top level, also in functions that are called where they are written. */
function runsWithModule(node: Node, tree: ScopeTree): boolean {
  return enclosingFunctions(node, tree).every((fn) => {
    const parent = tree.parentOf(fn);
    if (parent?.type !== "CallExpression" || fn.async === true) return false;
    if (parent.callee === fn) return true;
    const { callee } = parent;
    return callee.type === "MemberExpression" && callee.property.type === "Identifier" && iterations.test(callee.property.name);
  });
}

const iterations = /^(?:map|forEach|flatMap|filter|reduce|reduceRight|some|every|find\w*|from)$/;
const containers = /^(?:Map|Set|WeakMap|WeakSet|Array|Object)$/;
const mutators = /^(?:set|add|delete|clear|push|pop|shift|unshift|splice|sort|reverse|fill|copyWithin)$/;
const objectMutators = /^(?:assign|define\w+|setPrototypeOf)$/;

/** Whether a variable certainly holds an object of the language, whose methods are known. */
function isContainer({ declaration }: Binding): boolean {
  if (declaration.type !== "VariableDeclarator" || !declaration.init) return false;
  const value = unwrap(declaration.init);
  if (value.type === "ArrayExpression" || value.type === "ObjectExpression") return true;
  return value.type === "NewExpression" && value.callee.type === "Identifier" && containers.test(value.callee.name);
}

/** Whether the use of a name changes what the name holds: assigns or deletes a member, or calls a method that does. */
function isMutation({ node }: Reference, tree: ScopeTree): boolean {
  const { value, parent, isMember } = memberUseOf(node, tree);
  switch (parent?.type) {
    case "AssignmentExpression":
      return isMember && parent.left === value;
    case "UpdateExpression":
      return isMember;
    case "UnaryExpression":
      return isMember && parent.operator === "delete";
    case "CallExpression":
      if (parent.callee === value) return mutators.test(lastName(value));
      return parent.arguments[0] === value && parent.callee.type === "MemberExpression" && objectMutators.test(lastName(parent.callee));
    default:
      return false;
  }
}

function lastName(member: Node): string {
  return member.type === "MemberExpression" && member.property.type === "Identifier" ? member.property.name : "";
}

/** Who does it, for a message. */
export function writerOf({ node }: Reference, marked: readonly MarkedFunction[], tree: ScopeTree): string {
  const around = enclosingFunctions(node, tree);
  const mark = marked.find((fn) => around.includes(fn.node));
  if (mark !== undefined) return `the ${mark.kind} ${mark.name}`;
  const named = around.map((fn: FunctionNode) => nameOf(fn, tree)).find((name) => !name.startsWith("("));
  return named === undefined ? "a function" : `the function ${named}`;
}
