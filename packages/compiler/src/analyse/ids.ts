import type { Class } from "@babel/types";
import type { Problem } from "../diagnose/diagnostic.ts";
import type { DirectiveKind } from "../parse/directive-text.ts";
import { type FunctionNode, headOf, rangeOf } from "../parse/nodes.ts";
import { type ExportNames, publicName } from "./exports.ts";
import { type NamedNode, directName, enclosingFunctions, localNames } from "./names.ts";
import type { ScopeTree } from "./scope-tree.ts";

/** The part of an id behind `#`, and the last name of it. */
export interface NamedPath {
  path: string;
  name: string;
}

/** Gives out the paths behind `#` in ids, in source order, unique within the file. */
export class PathNames {
  readonly #exports: ExportNames;
  readonly #tree: ScopeTree;
  readonly #byFunction = new Map<FunctionNode, string>();
  readonly #taken = new Set<string>();
  readonly #takenByClasses = new Set<string>();

  constructor(exports: ExportNames, tree: ScopeTree) {
    this.#exports = exports;
    this.#tree = tree;
  }

  /**
   * The path of a function: see "Ids" in docs/decisions/0001-compiled-code.md. It is made of names only, so two functions may come to the
   * same path; that is a problem, as is a function without any name, because a number would change with what is inserted before it.
   */
  add(node: FunctionNode, { kind, moduleId }: { kind: DirectiveKind; moduleId: string }, problems: Problem[]): NamedPath {
    const { names, path } = this.#pathOf(node);
    const range = headOf(node);
    // What a function returns at once may be called like it: `const mailer = (from) => async (to) => { "use step"; … }`.
    const isUnnamed = names.length === 0 && (path === "" || this.#taken.has(path));
    if (isUnnamed) problems.push({ code: "FUNCTION_UNNAMED", range, parameters: { kind } });
    else if (this.#taken.has(path))
      problems.push({ code: "DUPLICATE_ID", range, parameters: { things: "functions", id: `${moduleId}#${path}` } });
    this.#taken.add(path);
    this.#byFunction.set(node, path);
    return { path, name: names.at(-1) ?? path.split(/[./]/).at(-1) ?? "" };
  }

  /** The path of a class whose instances can be stored. Its methods have theirs beside it. */
  addClass(node: Class, moduleId: string, problems: Problem[]): string {
    const { names, path } = this.#pathOf(node);
    const range = { start: rangeOf(node).start, end: rangeOf(node.body).start };
    if (names.length === 0) problems.push({ code: "CLASS_UNNAMED", range, parameters: {} });
    else if (this.#takenByClasses.has(path)) {
      problems.push({ code: "DUPLICATE_ID", range, parameters: { things: "classes", id: `${moduleId}#${path}` } });
    }
    this.#takenByClasses.add(path);
    return path;
  }

  #pathOf(node: NamedNode): { names: string[]; path: string } {
    const { names } = localNames(node, this.#tree);
    const surrounding = this.#surroundingPath(node);
    if (surrounding === null) return { names, path: this.#modulePath(node) };
    return { names, path: [surrounding, ...(names.length === 0 ? [] : [names.join(".")])].join("/") };
  }

  /** The path of the functions around a node; null if there are none with a name. */
  #surroundingPath(node: NamedNode): string | null {
    const [outermost, ...others] = enclosingFunctions(node, this.#tree).reverse();
    if (outermost === undefined) return null;
    let path = this.#byFunction.get(outermost) ?? this.#modulePath(outermost);
    for (const outer of others) {
      const name = directName(outer, this.#tree);
      path = this.#byFunction.get(outer) ?? [path, name].filter(Boolean).join("/");
    }
    return path === "" ? null : path;
  }

  /** The names from the module to a function or class that is in no function; a variable counts with the name under which it is exported. */
  #modulePath(node: NamedNode): string {
    const { names, beginsWithVariable } = localNames(node, this.#tree);
    const [first, ...rest] = names;
    if (first === undefined) return "";
    return [beginsWithVariable ? publicName(first, this.#exports) : first, ...rest].join(".");
  }
}
