import type { Flow, Place } from "./graph.ts";

/**
 * What one module says about itself, as plain JSON: what its functions call, and what it exports. The graph of a workflow is put together
 * from the outlines of all modules that it reaches.
 */
export interface ModuleOutline {
  /** By `<line>:<column>`: the functions that are marked or exported, and those that these may call. */
  functions: Record<string, FunctionOutline>;
  exports: Record<string, Value>;
  /** The modules of which everything is exported: `export * from`. */
  stars: string[];
  /** The variables that change after the module has been initialised. */
  state: StateOutline[];
}

/** A variable of the module, where it is declared, and the places that change it or what it holds. */
export interface StateOutline extends Place {
  name: string;
  writes: (Place & { writer: string })[];
}

export interface FunctionOutline extends Place {
  /** Null if it has none and stands where it is used. */
  name: string | null;
  /** Set for steps and workflows. */
  marked?: { kind: "step" | "workflow"; id: string };
  children: Outline[];
}

/** The control flow of a function, with all calls that may turn out to be durable. */
export type Outline = Flow<Invoke | Await>;

export interface Invoke extends Place {
  type: "invoke";
  /** Null if nothing is known of it, but functions are given to it. */
  callee: Value | null;
  /** The callee, as it is written. */
  name: string;
  /** The arguments, as they are written. */
  label: string;
  /** For each argument, what it is if it may be a function. */
  values: (Value | null)[];
  detached?: boolean;
  /** The function is called for what surrounds it: a loop or a callback. */
  inPlace?: boolean;
}

/** Waits for something that may turn out to be a hook. */
export interface Await extends Place {
  type: "await";
  value: Value;
  /** What is awaited, as it is written. */
  label: string;
}

/** What is known about a value without running the code. */
export type Value =
  | { is: "function"; key: string }
  | { is: "import"; from: string; imported: string; members: string[] }
  | { is: "object"; members: Record<string, Value> }
  | { is: "class"; statics: Record<string, Value>; instance: Record<string, Value> }
  /** An instance of a class. */
  | { is: "new"; of: Value }
  | { is: "member"; of: Value; name: string }
  /** What a call returns. */
  | { is: "result"; of: Value | null; name: string; values: (Value | null)[] }
  | { is: "either"; label: string; values: Value[] }
  /** A parameter of the function with that key. */
  | { is: "parameter"; of: string; index: number };
