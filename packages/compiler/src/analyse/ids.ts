import type { Problem } from "../diagnose/diagnostic.ts";
import { type FunctionNode, contains, rangeOf } from "../parse/nodes.ts";
import { type ExportNames, publicName } from "./exports.ts";
import type { Placement } from "./marked-function.ts";
import { enclosingFunctions, nameOf } from "./placement.ts";
import type { ScopeTree } from "./scope-tree.ts";

/** Gives out the paths behind `#` in ids, in source order, unique within the file. */
export class PathNames {
  readonly #exports: ExportNames;
  readonly #tree: ScopeTree;
  readonly #byFunction = new Map<FunctionNode, string>();
  readonly #taken = new Set<string>();

  constructor(exports: ExportNames, tree: ScopeTree) {
    this.#exports = exports;
    this.#tree = tree;
  }

  /**
   * The path of a function: see "Ids" in docs/decisions/0001-compiled-code.md. A nested step that shares its lexical path with an earlier
   * one gets an ordinal; other functions with one path are a problem, because both names are visible from outside.
   */
  add(node: FunctionNode, placement: Placement, moduleId: string, problems: Problem[]): string {
    const path = this.#pathOf(node, placement);
    let unique = path;
    if (placement.kind === "nested") {
      for (let ordinal = 2; this.#taken.has(unique); ordinal++) unique = `${path}~${ordinal}`;
    } else if (this.#taken.has(path)) {
      problems.push({
        code: "DUPLICATE_ID",
        range: { start: rangeOf(node).start, end: rangeOf(node.body).start },
        parameters: { id: `${moduleId}#${path}` },
      });
    }
    this.#taken.add(unique);
    this.#byFunction.set(node, unique);
    return unique;
  }

  #pathOf(node: FunctionNode, placement: Placement): string {
    switch (placement.kind) {
      case "declaration":
        return placement.name === null ? "default" : publicName(placement.name, this.#exports);
      case "variable":
        return publicName(placement.name, this.#exports);
      case "default":
        return "id" in node && node.id ? node.id.name : "default";
      case "member":
        return [placement.rootName === null ? "default" : publicName(placement.rootName, this.#exports), ...placement.keys].join(".");
      case "nested": {
        const between = enclosingFunctions(node, this.#tree).filter(
          (outer) => outer !== placement.workflow && contains(rangeOf(placement.workflow), rangeOf(outer)),
        );
        const names = between.map((outer) => nameOf(outer, this.#tree)).filter((name) => !name.startsWith("("));
        return [this.#byFunction.get(placement.workflow) ?? "", ...names.reverse(), placement.name].join("/");
      }
      default:
        return placement satisfies never;
    }
  }
}

/** The name under which people know a function. */
export function displayName(node: FunctionNode, placement: Placement): string {
  switch (placement.kind) {
    case "declaration":
      return placement.name ?? "default";
    case "variable":
    case "nested":
      return placement.name;
    case "default":
      return "id" in node && node.id ? node.id.name : "default";
    case "member":
      return placement.keys.at(-1) ?? "default";
    default:
      return placement satisfies never;
  }
}
