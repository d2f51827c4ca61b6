import type { Directive, ExportDefaultDeclaration, VariableDeclarator } from "@babel/types";
import type { DirectiveKind } from "../parse/directive-text.ts";
import type { FunctionNode } from "../parse/nodes.ts";
import type { Binding } from "./scope.ts";

/** Where a marked function stands. */
export type Placement =
  /** A function declaration at the top level; `name` is null for an anonymous default export. */
  | { kind: "declaration"; name: string | null }
  /** The value of a top-level `const`. */
  | { kind: "variable"; name: string }
  /** `export default async () => …`, also a function expression in parentheses. */
  | { kind: "default"; statement: ExportDefaultDeclaration }
  /** A member of an object that is a top-level `const` or the default export. `keys` is the path to it. */
  | { kind: "member"; root: VariableDeclarator | ExportDefaultDeclaration; rootName: string | null; keys: string[] }
  /** Inside a workflow: a declaration or the value of a `const`. */
  | { kind: "nested"; name: string; workflow: FunctionNode };

/** A function that is a step or a workflow. */
export interface MarkedFunction {
  kind: DirectiveKind;
  node: FunctionNode;
  /** The directives to remove; none if the mark comes from the file's directive. */
  directives: Directive[];
  placement: Placement;
  /** What people call it: the declared name, the member's key, or `default`. */
  name: string;
  /** The part of the id behind `#`. */
  path: string;
  id: string;
  /** The variables of the surrounding workflow that a nested step reads, in the order of their declarations. */
  captures: Binding[];
}
