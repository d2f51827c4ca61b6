import type { Node, Program, Statement } from "@babel/types";
import { type Range, contains, rangeOf } from "../parse/nodes.ts";
import { memberUseOf } from "./member-use.ts";
import { RangeSet } from "./range-set.ts";
import type { Binding, Reference } from "./scope.ts";
import type { ScopeTree } from "./scope-tree.ts";

/** What of a module its workflows need. */
export interface Reach {
  /** The top-level names that a workflow uses, directly or through others. */
  bindings: ReadonlySet<Binding>;
  /** The top-level statements, other than declarations, that write to one of them. */
  statements: ReadonlySet<Statement>;
}

/** One top-level piece of a module, and what it uses. */
interface Piece {
  range: Range;
  statement: Statement;
  isStatement: boolean;
  references: Reference[];
}

/** What starts the search. `removed`: the parts of the source that the workflow target does not have. */
export interface ReachInput {
  roots: readonly Range[];
  removed: readonly Range[];
  /** The names of steps and workflows: writing to one of their members configures the host, and keeps nothing. */
  marked: ReadonlySet<Binding>;
}

/**
 * Follows the names that workflows use from declaration to declaration. A statement belongs to a name when it assigns it or a member of
 * it or calls a method of it, also from inside a callback; what such a statement uses is then needed as well.
 */
export function findReach(program: Program, tree: ScopeTree, input: ReachInput): Reach {
  const removed = new RangeSet(input.removed);
  const isLive = ({ node }: Reference) => !removed.contains(rangeOf(node));
  const live = tree.references.filter(isLive);
  const pieces = piecesOf(program, live);
  const bindings = new Set<Binding>();
  const statements = new Set<Statement>();
  const queue: Reference[] = input.roots.flatMap((root) => tree.referencesIn(root).filter(isLive));
  const follow = () => {
    for (let reference = queue.pop(); reference !== undefined; reference = queue.pop()) {
      const { binding } = reference;
      if (binding === undefined || binding.scope !== tree.module || bindings.has(binding)) continue;
      bindings.add(binding);
      queue.push(...referencesOf(binding, pieces));
    }
  };
  const keep = ({ isStatement, statement, references, range }: Piece) => {
    if (!isStatement || statements.has(statement)) return;
    const declares = [...bindings].some((binding) => contains(range, rangeOf(binding.identifier)));
    const writes = references.some(({ binding, node, access }) => {
      if (binding === undefined || !bindings.has(binding) || input.marked.has(binding)) return false;
      return access !== "read" || writesToMember(node, tree);
    });
    if (!declares && !writes) return;
    statements.add(statement);
    queue.push(...references);
  };
  do {
    follow();
    for (const piece of pieces) keep(piece);
  } while (queue.length > 0);
  return { bindings, statements };
}

/** Whether a top-level statement declares something, imports or exports; the others only do something. */
export function isDeclaration(statement: Statement): boolean {
  return /Declaration$|^TSExport|^TSNamespaceExport|^TSDeclareFunction$/.test(statement.type);
}

function piecesOf(program: Program, references: readonly Reference[]): Piece[] {
  const pieces = program.body.flatMap((statement): Piece[] => {
    const declaration = statement.type === "ExportNamedDeclaration" && statement.declaration ? statement.declaration : statement;
    const isStatement = !isDeclaration(statement);
    const nodes = declaration.type === "VariableDeclaration" ? declaration.declarations : [declaration];
    return nodes.map((node) => ({ range: rangeOf(node), statement, isStatement, references: [] }));
  });
  for (const reference of references) pieceAt(pieces, rangeOf(reference.node).start)?.references.push(reference);
  return pieces;
}

function pieceAt(pieces: readonly Piece[], offset: number): Piece | undefined {
  let low = 0;
  let high = pieces.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const piece = pieces[middle];
    if (piece === undefined) return undefined;
    if (offset < piece.range.start) high = middle - 1;
    else if (offset >= piece.range.end) low = middle + 1;
    else return piece;
  }
  return undefined;
}

function referencesOf(binding: Binding, pieces: readonly Piece[]): readonly Reference[] {
  const piece = pieceAt(pieces, rangeOf(binding.identifier).start);
  return piece === undefined || piece.isStatement ? [] : piece.references;
}

/** Whether the use of a name is an assignment to a member of it, or a call of one. */
function writesToMember(node: Node, tree: ScopeTree): boolean {
  const { value, parent, isMember } = memberUseOf(node, tree);
  if (parent === null || !isMember) return parent !== null && isChangedByObject(node, parent);
  switch (parent.type) {
    case "CallExpression":
    case "OptionalCallExpression":
      return parent.callee === value;
    case "AssignmentExpression":
    case "ForInStatement":
    case "ForOfStatement":
      return parent.left === value;
    case "UnaryExpression":
      return parent.operator === "delete";
    case "ObjectProperty":
    case "ArrayPattern":
    case "AssignmentPattern":
    case "RestElement":
      return isTarget(parent, tree);
    default:
      return parent.type === "UpdateExpression";
  }
}

/** `Object.assign(name, …)` and the like. */
function isChangedByObject(node: Node, parent: Node): boolean {
  if (parent.type !== "CallExpression" || parent.arguments[0] !== node || parent.callee.type !== "MemberExpression") return false;
  const { object, property } = parent.callee;
  if (object.type !== "Identifier" || (object.name !== "Object" && object.name !== "Reflect") || property.type !== "Identifier")
    return false;
  return /^(?:assign|define\w+|set\w*|deleteProperty)$/.test(property.name);
}

/** Whether a part of a pattern is the left side of an assignment, and not of a declaration. */
function isTarget(part: Node, tree: ScopeTree): boolean {
  let node: Node | null = part;
  while (node !== null && /Pattern$|^ObjectProperty$|^RestElement$/.test(node.type)) node = tree.parentOf(node);
  return node?.type === "AssignmentExpression";
}
