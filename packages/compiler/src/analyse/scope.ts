import type { Identifier, JSXIdentifier, Node } from "@babel/types";

/** What declared a name. `ambient`: a `declare` statement, which leaves nothing at run time. */
export type BindingKind = "import" | "function" | "class" | "var" | "let" | "const" | "param" | "catch" | "enum" | "namespace" | "ambient";

/** A name that the code declares. */
export interface Binding {
  readonly name: string;
  readonly kind: BindingKind;
  readonly scope: Scope;
  /** The identifier in the declaration. */
  readonly identifier: Node;
  /** What declares it: the function, class, enum, import specifier or variable declarator; for a parameter, the function. */
  readonly declaration: Node;
  readonly references: Reference[];
}

/** One use of a name as a value. Uses as a type do not count. */
export interface Reference {
  readonly node: Identifier | JSXIdentifier;
  readonly scope: Scope;
  readonly access: "read" | "write" | "update";
  /** Unset for a global. */
  binding?: Binding;
}

/** A region of the source in which names live. A function has two: one for its parameters, inside it one for its body. */
export class Scope {
  readonly parent: Scope | null;
  readonly node: Node;
  readonly isVarScope: boolean;
  readonly bindings: Map<string, Binding> = new Map();

  constructor(node: Node, parent: Scope | null, isVarScope: boolean) {
    this.node = node;
    this.parent = parent;
    this.isVarScope = isVarScope;
  }

  /** The scope to which `var` hoists. */
  get varScope(): Scope {
    let scope: Scope = this;
    while (!scope.isVarScope && scope.parent !== null) scope = scope.parent;
    return scope;
  }

  /** Adds a name; one that is already there (a second `var`, an overload, a merged declaration) stays as it is. */
  declare(name: string, kind: BindingKind, identifier: Node, declaration: Node): void {
    const known = this.bindings.get(name);
    if (known !== undefined && known.kind !== "ambient") return;
    this.bindings.set(name, { name, kind, scope: this, identifier, declaration, references: known?.references ?? [] });
  }

  lookup(name: string): Binding | undefined {
    for (let scope: Scope | null = this; scope !== null; scope = scope.parent) {
      const binding = scope.bindings.get(name);
      if (binding !== undefined) return binding;
    }
    return undefined;
  }

  isWithin(ancestor: Scope): boolean {
    for (let scope: Scope | null = this; scope !== null; scope = scope.parent) if (scope === ancestor) return true;
    return false;
  }
}
