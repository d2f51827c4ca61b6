import type { MarkedFunction } from "./analyse/marked-function.ts";
import { type Position, createPositionOf } from "./diagnose/position.ts";
import { rangeOf } from "./parse/nodes.ts";

/** A step or workflow of a module. */
export interface ManifestEntry {
  id: string;
  /** The declared name, the member's key, or `default`. */
  name: string;
  /** Where the function begins. */
  start: Position;
  /** For a step inside a workflow: the variables that it gets from there, in the order of the call. */
  captures: string[];
}

/** What a module declares, in source order. */
export interface Manifest {
  /** The id of the module, the part of ids in front of `#`. */
  module: string;
  steps: ManifestEntry[];
  workflows: ManifestEntry[];
}

export function createManifest(module: string, marked: readonly MarkedFunction[], code: string): Manifest {
  const positionOf = createPositionOf(code);
  const entries = (kind: MarkedFunction["kind"]) =>
    marked
      .filter((fn) => fn.kind === kind)
      .map(({ id, name, node, captures }) => ({
        id,
        name,
        start: positionOf(rangeOf(node).start),
        captures: captures.map((binding) => binding.name),
      }));
  return { module, steps: entries("step"), workflows: entries("workflow") };
}
