import type { Directive, Node } from "@babel/types";
import type { DirectiveKind } from "../parse/directive-text.ts";
import type { FunctionNode } from "../parse/nodes.ts";
import type { Binding } from "./scope.ts";

/** Where a marked function stands, which decides how it is registered. */
export type Placement =
  /** A declaration that is evaluated once, with the module. `block`: the module, namespace or block at whose beginning it exists already. */
  | { kind: "declaration"; block: Node }
  /** An expression, or a method of an object literal, that is evaluated once, with the module. */
  | { kind: "value" }
  /** A static or instance method of a class that is evaluated once, with the module. */
  | { kind: "method" }
  /** Anything that is evaluated later, repeatedly or never: it moves out and gets the variables around it by value. */
  | { kind: "closure" };

/** A function that is a step or a workflow. */
export interface MarkedFunction {
  kind: DirectiveKind;
  node: FunctionNode;
  /** The directives to remove; none if the mark comes from the file's directive. */
  directives: Directive[];
  placement: Placement;
  /** The workflow in whose body a step stands. */
  workflow: FunctionNode | null;
  /** What people call it: the last name on its path. */
  name: string;
  /** The part of the id behind `#`. */
  path: string;
  id: string;
  /** The variables around a closure that it reads, in the order of their declarations. */
  captures: Binding[];
  /** Whether it is a method that needs the instance on which it is called. */
  usesThis: boolean;
}
