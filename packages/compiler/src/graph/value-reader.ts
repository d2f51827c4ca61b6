import type { Class, Expression, Node } from "@babel/types";
import { keyName } from "../analyse/names.ts";
import type { Binding } from "../analyse/scope.ts";
import type { ScopeTree } from "../analyse/scope-tree.ts";
import { type FunctionNode, isFunction, isMethod, unwrap } from "../parse/nodes.ts";
import type { Value } from "./outline.ts";

/** What the reader needs of the module. */
export interface ModuleSource {
  tree: ScopeTree;
  /** The key of a function in the outline; null if it calls nothing. */
  keyOf(node: FunctionNode): string | null;
  /** The source of a node, on one line and not too long. */
  textOf(node: Node): string;
}

/** Says what the values of expressions are, as far as that follows from constants, imports and parameters of the module. */
export class ValueReader {
  readonly #source: ModuleSource;
  readonly #bindings = new Map<Node, Binding>();
  readonly #declared = new Map<Node, Binding>();
  readonly #known = new Map<Node, Value | null>();

  constructor(source: ModuleSource) {
    this.#source = source;
    for (const { node, binding } of source.tree.references) {
      if (binding === undefined) continue;
      this.#bindings.set(node, binding);
      this.#declared.set(binding.identifier, binding);
    }
  }

  /** The declaration that a name in an expression means. */
  bindingOf(node: Node): Binding | undefined {
    return this.#bindings.get(node);
  }

  /** The name that an identifier in a declaration declares. */
  declared(identifier: Node): Binding | null {
    return this.#declared.get(identifier) ?? null;
  }

  valueOf(expression: Node): Value | null {
    const node = unwrap(expression);
    const known = this.#known.get(node);
    if (known !== undefined) return known;
    // What refers to itself on the way is unknown.
    this.#known.set(node, null);
    const value = this.#read(node);
    this.#known.set(node, value);
    return value;
  }

  /** The value of a name that the module declares. */
  ofBinding(binding: Binding): Value | null {
    const { declaration, identifier, kind } = binding;
    switch (kind) {
      case "import":
        return this.#imported(declaration);
      case "function":
        return isFunction(declaration) ? this.#function(declaration) : null;
      case "class":
        return this.valueOf(declaration);
      case "param":
        return this.#parameter(declaration, identifier);
      case "const":
      case "let":
      case "var":
        if (declaration.type !== "VariableDeclarator" || !declaration.init || !isConstant(binding)) return null;
        return this.#part(declaration.id, declaration.init, identifier);
      default:
        return null;
    }
  }

  #read(node: Node): Value | null {
    if (isFunction(node)) return this.#function(node);
    switch (node.type) {
      case "Identifier": {
        const binding = this.bindingOf(node);
        return binding === undefined ? null : this.ofBinding(binding);
      }
      case "MemberExpression":
      case "OptionalMemberExpression":
        return this.#member(node);
      case "ClassDeclaration":
      case "ClassExpression":
        return this.#class(node);
      case "NewExpression": {
        const of = this.valueOf(node.callee);
        return of === null ? null : instanceOf(of);
      }
      case "ThisExpression":
        return this.#this(node);
      case "ObjectExpression":
        return this.#object(node);
      case "CallExpression":
      case "OptionalCallExpression":
        return this.#result(node);
      case "ConditionalExpression":
        return either(this.#source.textOf(node.test), [this.valueOf(node.consequent), this.valueOf(node.alternate)]);
      case "LogicalExpression":
        return either(this.#source.textOf(node), [this.valueOf(node.left), this.valueOf(node.right)]);
      case "AssignmentExpression":
        return this.valueOf(node.right);
      default:
        return null;
    }
  }

  #function(node: FunctionNode): Value | null {
    const key = this.#source.keyOf(node);
    return key === null ? null : { is: "function", key };
  }

  #imported(specifier: Node): Value | null {
    const declaration = this.#source.tree.parentOf(specifier);
    if (declaration?.type !== "ImportDeclaration") return null;
    const from = declaration.source.value;
    switch (specifier.type) {
      case "ImportSpecifier":
        return { is: "import", from, imported: nameIn(specifier.imported), members: [] };
      case "ImportDefaultSpecifier":
        return { is: "import", from, imported: "default", members: [] };
      default:
        return { is: "import", from, imported: "*", members: [] };
    }
  }

  #parameter(fn: Node, identifier: Node): Value | null {
    if (!isFunction(fn)) return null;
    const index = fn.params.findIndex((param) => param === identifier || (param.type === "AssignmentPattern" && param.left === identifier));
    const key = this.#source.keyOf(fn);
    return index < 0 || key === null ? null : { is: "parameter", of: key, index };
  }

  /** What a pattern takes out of a value for one of its names. */
  #part(pattern: Node, init: Expression, identifier: Node): Value | null {
    if (pattern === identifier) return this.valueOf(init);
    if (pattern.type !== "ObjectPattern") return null;
    for (const property of pattern.properties) {
      if (property.type !== "ObjectProperty" || property.value !== identifier) continue;
      const name = keyName(property);
      return name === null ? null : member(this.valueOf(init), name);
    }
    return null;
  }

  #member(node: Extract<Node, { type: "MemberExpression" | "OptionalMemberExpression" }>): Value | null {
    const object = this.valueOf(node.object);
    if (object === null) return null;
    if (!node.computed) return node.property.type === "Identifier" ? member(object, node.property.name) : null;
    if (node.property.type === "StringLiteral") return member(object, node.property.value);
    return object.is === "object" ? either(this.#source.textOf(node), Object.values(object.members)) : null;
  }

  #class(node: Class): Value {
    const statics: Record<string, Value> = {};
    const instance: Record<string, Value> = {};
    for (const item of node.body.body) {
      if (!isMethod(item) && item.type !== "ClassProperty") continue;
      const name = keyName(item);
      const value = isFunction(item) ? this.valueOf(item) : item.value ? this.valueOf(item.value) : null;
      if (name !== null && value !== null) (item.static === true ? statics : instance)[name] = value;
    }
    return { is: "class", statics, instance };
  }

  /** `this` in a method of a class or object. */
  #this(node: Node): Value | null {
    let owner = this.#source.tree.parentOf(node);
    while (owner !== null && (!isFunction(owner) || owner.type === "ArrowFunctionExpression")) owner = this.#source.tree.parentOf(owner);
    if (owner === null || !isMethod(owner)) return null;
    const parent = this.#source.tree.parentOf(owner);
    if (parent === null || owner.type === "ObjectMethod") return parent === null ? null : this.valueOf(parent);
    const value = this.valueOf(this.#source.tree.parentOf(parent) ?? parent);
    if (value?.is !== "class") return null;
    return { is: "object", members: owner.static === true ? value.statics : value.instance };
  }

  #object(node: Extract<Node, { type: "ObjectExpression" }>): Value | null {
    const members: Record<string, Value> = {};
    for (const property of node.properties) {
      if (property.type === "SpreadElement") {
        const spread = this.valueOf(property.argument);
        if (spread?.is === "object") Object.assign(members, spread.members);
        continue;
      }
      const name = keyName(property);
      const value = this.valueOf(property.type === "ObjectMethod" ? property : property.value);
      if (name !== null && value !== null) members[name] = value;
    }
    return Object.keys(members).length === 0 ? null : { is: "object", members };
  }

  #result(node: Extract<Node, { type: "CallExpression" | "OptionalCallExpression" }>): Value | null {
    const callee = unwrap(node.callee);
    if (methodName(callee) === "bind" && "object" in callee) return this.valueOf(callee.object);
    const of = this.valueOf(callee);
    const values = node.arguments.map((argument) => this.valueOf(argument));
    if (of === null && values.every((value) => value === null)) return null;
    return { is: "result", of, name: this.#source.textOf(callee), values };
  }
}

/** The name of the member that an expression reads, if it is written out. */
export function methodName(node: Node): string | null {
  const isMember = node.type === "MemberExpression" || node.type === "OptionalMemberExpression";
  return isMember && !node.computed && node.property.type === "Identifier" ? node.property.name : null;
}

/** Whether nothing but its declaration gives a name its value. */
function isConstant({ kind, references }: Binding): boolean {
  return kind === "const" || references.every(({ access }) => access === "read");
}

function own(members: Record<string, Value>, name: string): Value | null {
  return Object.hasOwn(members, name) ? (members[name] ?? null) : null;
}

function instanceOf(value: Value): Value {
  return value.is === "class" ? { is: "object", members: value.instance } : { is: "new", of: value };
}

function member(value: Value | null, name: string): Value | null {
  if (value === null) return null;
  switch (value.is) {
    case "function":
      return null;
    case "object":
      return own(value.members, name);
    case "class":
      return own(value.statics, name);
    case "import":
      return { ...value, members: [...value.members, name] };
    case "either":
      return either(
        value.label,
        value.values.map((item) => member(item, name)),
      );
    default:
      return { is: "member", of: value, name };
  }
}

function either(label: string, values: (Value | null)[]): Value | null {
  const known = values.filter((value) => value !== null);
  const [only] = known;
  if (only === undefined) return null;
  return known.length === 1 ? only : { is: "either", label, values: known };
}

function nameIn(node: Extract<Node, { type: "Identifier" | "StringLiteral" }>): string {
  return node.type === "Identifier" ? node.name : node.value;
}
