import type { Class, Identifier, JSXIdentifier, Node, Program } from "@babel/types";
import { type FunctionNode, type Range, isFunction, isTypeOnly, rangeOf } from "../parse/nodes.ts";
import { forEachChild } from "../parse/walk.ts";
import { type BindingKind, type Reference, Scope } from "./scope.ts";

/** All scopes of a module, every use of a name with the declaration that it means, and every node's parent. */
export interface ScopeTree {
  readonly module: Scope;
  /** In source order. */
  readonly references: readonly Reference[];
  referencesIn(range: Range): readonly Reference[];
  /** The outermost scope of a function, class or block. */
  scopeOf(node: Node): Scope | undefined;
  parentOf(node: Node): Node | null;
  /** Every name that the module declares or uses, at any depth. */
  readonly names: ReadonlySet<string>;
  /** Every class of the module that exists at run time. */
  readonly classes: readonly Class[];
  /** Whether a class of the module declares private members. */
  readonly hasPrivateNames: boolean;
}

/**
 * Builds the scope tree in one walk. Names are looked up at the end, so that hoisting needs no second walk. The temporal dead zone is
 * of no interest here; everything else about scopes is as in the language: parameters are seen from the body but not the reverse, a
 * function in a block belongs to the block, a class or function expression sees its own name.
 */
export function buildScopeTree(program: Program): ScopeTree {
  return new ScopeBuilder(program).build();
}

class ScopeBuilder {
  readonly #program: Program;
  readonly #scopes = new Map<Node, Scope>();
  readonly #references: Reference[] = [];
  readonly #all: Scope[] = [];
  readonly #classes: Class[] = [];
  readonly #visitChild = (child: Node, parent: Node, scope: Scope): void => this.#visit(child, scope, parent);
  #hasPrivateNames = false;

  constructor(program: Program) {
    this.#program = program;
  }

  build(): ScopeTree {
    const module = this.#open(this.#program, null, true);
    forEachChild(this.#program, this.#visitChild, module);
    this.#references.sort((a, b) => startOf(a) - startOf(b));
    for (const reference of this.#references) {
      const binding = reference.scope.lookup(reference.node.name);
      if (binding === undefined || binding.kind === "ambient") continue;
      reference.binding = binding;
      binding.references.push(reference);
    }
    const names = new Set(this.#references.map(({ node }) => node.name));
    for (const scope of this.#all) for (const name of scope.bindings.keys()) names.add(name);
    return {
      module,
      names,
      classes: this.#classes,
      hasPrivateNames: this.#hasPrivateNames,
      references: this.#references,
      referencesIn: (range) => slice(this.#references, range),
      scopeOf: (node) => this.#scopes.get(node),
      parentOf,
    };
  }

  #open(node: Node, parent: Scope | null, isVarScope = false): Scope {
    const scope = new Scope(node, parent, isVarScope);
    this.#all.push(scope);
    if (!this.#scopes.has(node)) this.#scopes.set(node, scope);
    return scope;
  }

  #refer(node: Identifier | JSXIdentifier, scope: Scope, access: Reference["access"] = "read"): void {
    this.#references.push({ node, scope, access });
  }

  #visitChildren(node: Node, scope: Scope): void {
    forEachChild(node, this.#visitChild, scope);
  }

  #visit(node: Node | null | undefined, scope: Scope, parent: Node): void {
    if (node === null || node === undefined) return;
    setParent(node, parent);
    if (node.type === "TSDeclareFunction" || node.type === "TSDeclareMethod") return;
    if (isTypeOnly(node)) return this.#visitAmbient(node, scope);
    if (isFunction(node)) return this.#visitFunction(node, scope);
    switch (node.type) {
      case "Identifier":
        return this.#refer(node, scope);
      case "ClassDeclaration":
      case "ClassExpression":
        return this.#visitClass(node, scope);
      case "VariableDeclaration":
        return this.#visitVariables(node, scope);
      case "AssignmentExpression":
        this.#visitTarget(node.left, scope, node, node.operator === "=" ? "write" : "update");
        return this.#visit(node.right, scope, node);
      case "UpdateExpression":
        return this.#visitTarget(node.argument, scope, node, "update");
      case "BlockStatement":
      case "ForStatement":
      case "SwitchStatement":
        return this.#visitChildren(node, this.#open(node, scope));
      case "ForInStatement":
      case "ForOfStatement":
        return this.#visitForEach(node, scope);
      case "CatchClause":
        return this.#visitCatch(node, scope);
      case "StaticBlock":
      case "TSModuleBlock":
        return this.#visitChildren(node, this.#open(node, scope, true));
      default:
        return this.#visitNamed(node, scope);
    }
  }

  /** The nodes some of whose identifiers are names of something else than a variable. */
  #visitNamed(node: Node, scope: Scope): void {
    switch (node.type) {
      case "MemberExpression":
      case "OptionalMemberExpression":
        this.#visit(node.object, scope, node);
        return node.computed ? this.#visit(node.property, scope, node) : undefined;
      case "ObjectProperty":
      case "ClassProperty":
      case "ClassAccessorProperty":
        return this.#visitProperty(node, scope);
      case "LabeledStatement":
        return this.#visit(node.body, scope, node);
      case "BreakStatement":
      case "ContinueStatement":
      case "MetaProperty":
        return;
      case "ImportDeclaration":
        return this.#visitImport(node, scope);
      case "ExportNamedDeclaration":
        if (node.exportKind === "type" || node.source) return;
        return this.#visitChildren(node, scope);
      case "ExportAllDeclaration":
        return;
      case "ExportSpecifier":
        return node.exportKind === "type" ? undefined : this.#visit(node.local, scope, node);
      case "JSXIdentifier":
        return /^[a-z]/.test(node.name) || node.name.includes("-") ? undefined : this.#refer(node, scope);
      case "JSXMemberExpression":
        return node.object.type === "JSXIdentifier" ? this.#refer(node.object, scope) : this.#visit(node.object, scope, node);
      case "JSXAttribute":
        return this.#visit(node.value, scope, node);
      case "JSXNamespacedName":
        return;
      default:
        return this.#visitTypeScript(node, scope);
    }
  }

  #visitTypeScript(node: Node, scope: Scope): void {
    switch (node.type) {
      case "TSEnumDeclaration": {
        scope.declare(node.id.name, "enum", node.id, node);
        const inner = this.#open(node, scope);
        for (const member of node.members) {
          if (member.id.type === "Identifier") inner.declare(member.id.name, "enum", member.id, member);
          this.#visit(member.initializer, inner, member);
        }
        return;
      }
      case "TSModuleDeclaration":
        if (node.id.type === "Identifier") scope.declare(node.id.name, "namespace", node.id, node);
        return this.#visit(node.body, scope, node);
      case "TSImportEqualsDeclaration":
        scope.declare(node.id.name, "import", node.id, node);
        return this.#visit(node.moduleReference, scope, node);
      case "TSExternalModuleReference":
        return;
      case "TSQualifiedName":
        return this.#visit(node.left, scope, node);
      default:
        return this.#visitChildren(node, scope);
    }
  }

  /** `declare const x`, `declare function f`: names of things that are defined elsewhere, hence globals. */
  #visitAmbient(node: Node, scope: Scope): void {
    if (node.type === "TSEnumDeclaration") scope.declare(node.id.name, "ambient", node.id, node);
  }

  #visitFunction(node: FunctionNode, scope: Scope): void {
    if ("key" in node) {
      for (const decorator of node.decorators ?? []) this.#visit(decorator, scope, node);
      if (node.type !== "ClassPrivateMethod" && node.computed) this.#visit(node.key, scope, node);
    }
    let outer = scope;
    if (node.type === "FunctionDeclaration" && node.id) scope.declare(node.id.name, "function", node.id, node);
    if (node.type === "FunctionExpression" && node.id) {
      outer = this.#open(node, scope);
      outer.declare(node.id.name, "function", node.id, node);
    }
    const params = this.#open(node, outer, true);
    for (const param of node.params) this.#declarePattern(param, params, params, "param", node, node);
    setParent(node.body, node);
    if (node.body.type !== "BlockStatement") return this.#visit(node.body, params, node);
    this.#visitChildren(node.body, this.#open(node.body, params, true));
  }

  #visitClass(node: Class, scope: Scope): void {
    for (const decorator of node.decorators ?? []) this.#visit(decorator, scope, node);
    if (node.type === "ClassDeclaration" && node.id)
      scope.declare(node.id.name, node.declare === true ? "ambient" : "class", node.id, node);
    if (node.type === "ClassDeclaration" && node.declare === true) return;
    this.#classes.push(node);
    const inner = this.#open(node, scope);
    if (node.id) inner.declare(node.id.name, "class", node.id, node);
    this.#visit(node.superClass, inner, node);
    setParent(node.body, node);
    for (const member of node.body.body) {
      if (member.type.startsWith("ClassPrivate")) this.#hasPrivateNames = true;
      this.#visit(member, inner, node.body);
    }
  }

  #visitProperty(node: Extract<Node, { type: "ObjectProperty" | "ClassProperty" | "ClassAccessorProperty" }>, scope: Scope): void {
    for (const decorator of node.decorators ?? []) this.#visit(decorator, scope, node);
    if (node.computed) this.#visit(node.key, scope, node);
    if (node.type === "ObjectProperty") return this.#visit(node.value, scope, node);
    if (node.value) this.#visit(node.value, this.#open(node, scope, true), node);
  }

  #visitVariables(node: Extract<Node, { type: "VariableDeclaration" }>, scope: Scope): void {
    const kind = node.declare ? "ambient" : node.kind === "var" || node.kind === "let" ? node.kind : "const";
    const target = kind === "var" ? scope.varScope : scope;
    for (const declarator of node.declarations) {
      setParent(declarator, node);
      this.#declarePattern(declarator.id, target, scope, kind, declarator, declarator);
      this.#visit(declarator.init, scope, declarator);
    }
  }

  #visitForEach(node: Extract<Node, { type: "ForInStatement" | "ForOfStatement" }>, scope: Scope): void {
    const inner = this.#open(node, scope);
    if (node.left.type === "VariableDeclaration") this.#visit(node.left, inner, node);
    else this.#visitTarget(node.left, inner, node, "write");
    this.#visit(node.right, scope, node);
    this.#visit(node.body, inner, node);
  }

  #visitCatch(node: Extract<Node, { type: "CatchClause" }>, scope: Scope): void {
    const inner = this.#open(node, scope);
    if (node.param) this.#declarePattern(node.param, inner, inner, "catch", node, node);
    this.#visit(node.body, inner, node);
  }

  #visitImport(node: Extract<Node, { type: "ImportDeclaration" }>, scope: Scope): void {
    for (const specifier of node.specifiers) {
      setParent(specifier, node);
      const isType = node.importKind === "type" || (specifier.type === "ImportSpecifier" && specifier.importKind === "type");
      if (!isType) scope.declare(specifier.local.name, "import", specifier.local, specifier);
    }
  }

  /** Declares the names of a pattern in `target`; the expressions inside it (defaults, computed keys) are evaluated in `scope`. */
  #declarePattern(pattern: Node, target: Scope, scope: Scope, kind: BindingKind, declaration: Node, parent: Node): void {
    this.#eachTarget(pattern, scope, parent, (leaf) => {
      if (leaf.type === "Identifier") target.declare(leaf.name, kind, leaf, declaration);
      else this.#visit(leaf, scope, leaf);
    });
  }

  /** The left side of an assignment. */
  #visitTarget(pattern: Node, scope: Scope, parent: Node, access: "write" | "update"): void {
    this.#eachTarget(pattern, scope, parent, (leaf) => {
      if (leaf.type === "Identifier") this.#refer(leaf, scope, access);
      else this.#visitNamed(leaf, scope);
    });
  }

  #eachTarget(pattern: Node, scope: Scope, parent: Node, found: (leaf: Node) => void): void {
    setParent(pattern, parent);
    const inner = (node: Node) => this.#eachTarget(node, scope, pattern, found);
    switch (pattern.type) {
      case "ObjectPattern":
        for (const property of pattern.properties) {
          setParent(property, pattern);
          if (property.type === "RestElement") this.#eachTarget(property.argument, scope, property, found);
          else {
            if (property.computed) this.#visit(property.key, scope, property);
            this.#eachTarget(property.value, scope, property, found);
          }
        }
        return;
      case "ArrayPattern":
        for (const element of pattern.elements) if (element) inner(element);
        return;
      case "AssignmentPattern":
        inner(pattern.left);
        return this.#visit(pattern.right, scope, pattern);
      case "RestElement":
        return inner(pattern.argument);
      case "TSParameterProperty":
        return inner(pattern.parameter);
      case "TSAsExpression":
      case "TSSatisfiesExpression":
      case "TSNonNullExpression":
      case "TSTypeAssertion":
        return inner(pattern.expression);
      default:
        return found(pattern);
    }
  }
}

/** Where a node keeps its parent: a map of all nodes would cost more than the rest of the tree. */
const PARENT = Symbol("parent");

type WithParent = Node & { [PARENT]?: Node };

function setParent(node: WithParent, parent: Node): void {
  node[PARENT] = parent;
}

function parentOf(node: WithParent): Node | null {
  return node[PARENT] ?? null;
}

const startOf = ({ node }: Reference): number => rangeOf(node).start;

/** The references in a range, from a list in source order. */
function slice(references: readonly Reference[], { start, end }: Range): readonly Reference[] {
  return references.slice(firstAt(references, start), firstAt(references, end));
}

/** The index of the first reference at or behind an offset. */
function firstAt(references: readonly Reference[], offset: number): number {
  let low = 0;
  let high = references.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const reference = references[middle];
    if (reference !== undefined && startOf(reference) < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}
