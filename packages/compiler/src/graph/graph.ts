/**
 * The static graph of a workflow: its durable calls, and the control flow around them. A tree of plain JSON, made for tools that draw or
 * compare workflows; docs/manifest.md describes it for their authors. What the graph shows may happen; what it does not show, such as a
 * call through a value that only exists at run time, may happen as well.
 */
export interface WorkflowGraph {
  /** The version of this form. Additions keep it; a reader skips the types of nodes that it does not know. */
  graph: 1;
  /** One after another. */
  children: GraphNode[];
}

/** A place in a source file, from 1. `file`: the id of the module, if it is not the workflow's own. */
export interface Place {
  line: number;
  column: number;
  file?: string;
}

export type GraphNode = Flow<DurableCall>;

/** Control flow around leaves of some type. */
export type Flow<Leaf> = Leaf | Branch<Leaf> | Loop<Leaf> | Parallel<Leaf> | Try<Leaf> | End;

/** At most one of the arms happens. An `if` without `else` has one arm; the arms of `choice` are the values that may be called. */
export interface Branch<Leaf> extends Place {
  type: "branch";
  kind: "if" | "switch" | "conditional" | "and" | "or" | "nullish" | "choice";
  /** The condition, as it is written. */
  label: string;
  arms: { label: string; children: Flow<Leaf>[] }[];
}

/** Happens any number of times. */
export interface Loop<Leaf> extends Place {
  type: "loop";
  /** `for`, `while`, `do`, `for-of`, `for-in`, `for-await`, or the method that calls back: `map`, `forEach`, `reduce` … */
  kind: string;
  /** The head, as it is written. */
  label: string;
  children: Flow<Leaf>[];
}

/**
 * Happens at the same time. `started`: calls whose promises are awaited later, and what happens before the first of them is. The others
 * are the methods of Promise; a branch that is a loop stands for one call for each element.
 */
export interface Parallel<Leaf> extends Place {
  type: "parallel";
  kind: "all" | "allSettled" | "race" | "any" | "started";
  branches: Flow<Leaf>[][];
}

export interface Try<Leaf> extends Place {
  type: "try";
  block: Flow<Leaf>[];
  handler?: Flow<Leaf>[];
  finalizer?: Flow<Leaf>[];
}

/** `return` ends the nearest function, callback or loop over a callback, else the workflow. One at the very end is left out. */
export interface End extends Place {
  type: "return" | "throw" | "break" | "continue";
  /** The value or the label, as it is written. */
  label: string;
}

export type DurableCall = StepCall | WaitCall | HookCall | Receive | Operation | Expanded | Callback | Ref | ImportedCall;

export interface StepCall extends Place {
  type: "step";
  id: string;
  name: string;
  /** Nobody waits for its result. */
  detached?: true;
}

/** `sleep(…)`. */
export interface WaitCall extends Place {
  type: "wait";
  /** The arguments, as they are written. */
  label: string;
  detached?: true;
}

/** A hook is opened. */
export interface HookCall extends Place {
  type: "hook";
  /** The arguments, as they are written. */
  label: string;
}

/** Waits for a payload of a hook. */
export interface Receive extends Place {
  type: "receive";
  /** The hook, as it is written. */
  label: string;
}

/** Any other function of `perdure` that history records. */
export interface Operation extends Place {
  type: "operation";
  name: string;
  label: string;
  detached?: true;
}

/** A call of another workflow, which runs as a part of this one, or of an ordinary function that makes durable calls. */
export interface Expanded extends Place {
  type: "workflow" | "function";
  /** The workflow's id, or `<module id>:<line>:<column>` of the function. */
  id: string;
  name: string;
  children: GraphNode[];
}

/** Given to a function that is not known, which may call it any number of times. */
export interface Callback extends Place {
  type: "callback";
  /** That function, as it is written. */
  name: string;
  children: GraphNode[];
}

/** A call of a workflow or function that is not shown again: it is being shown around this place, or the graph is too large. */
export interface Ref extends Place {
  type: "ref";
  id: string;
  name: string;
}

/** In the graph of a single file only: a call of something that the file imports. */
export interface ImportedCall extends Place {
  type: "call";
  from: string;
  /** The name in the other module; `*` for its namespace. */
  imported: string;
  /** The path below that: `["charge"]` for `steps.charge(…)`. */
  members: string[];
}

/** The parts of a node of control flow: lists of nodes that happen one after another. Of a leaf there are none. */
export function parts<Leaf extends { type: string }>(node: Flow<Leaf>): readonly Flow<Leaf>[][] {
  const flow = node as Exclude<Flow<Leaf>, Leaf>;
  switch (flow.type) {
    case "branch":
      return flow.arms.map(({ children }) => children);
    case "loop":
      return [flow.children];
    case "try":
      return [flow.block, flow.handler ?? [], flow.finalizer ?? []];
    case "parallel":
      return flow.branches;
    default:
      return [];
  }
}
