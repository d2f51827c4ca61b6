import type { CallExpression, Node, OptionalCallExpression } from "@babel/types";
import type { Binding } from "../analyse/scope.ts";
import { isFunction, isTypeOnly, unwrap } from "../parse/nodes.ts";
import { children } from "../parse/walk.ts";
import type { Branch, Parallel, Place } from "./graph.ts";
import type { Outline, Value } from "./outline.ts";
import { type ModuleSource, type ValueReader, methodName } from "./value-reader.ts";

type Call = CallExpression | OptionalCallExpression;

const combinators: ReadonlySet<string> = new Set(["all", "allSettled", "race", "any"]);
const iterations: ReadonlySet<string> = new Set(
  "map forEach flatMap filter reduce reduceRight some every find findIndex findLast findLastIndex".split(" "),
);

export interface OutlineSource extends ModuleSource {
  placeOf(node: Node): Place;
}

/** Lists the calls in an expression that may be durable, in the order in which they are evaluated. */
export class ExpressionOutliner {
  readonly #source: OutlineSource;
  readonly #values: ValueReader;
  /** Variables whose promise was started before the current statement, and the calls that did it: they are shown where it is awaited. */
  readonly started = new Map<Binding, Outline[]>();

  constructor(source: OutlineSource, values: ValueReader) {
    this.#source = source;
    this.#values = values;
  }

  outline(expression: Node): Outline[] {
    const node = unwrap(expression);
    if (isFunction(node) || isTypeOnly(node)) return [];
    switch (node.type) {
      case "Identifier":
        return this.#take(node);
      case "AwaitExpression":
        return [...this.outline(node.argument), ...this.awaiting(node.argument)];
      case "CallExpression":
      case "OptionalCallExpression":
        return this.#call(node);
      case "NewExpression":
        return [...node.arguments.flatMap((argument) => this.outline(argument)), ...this.#invoke(node, null, node.arguments)];
      case "ConditionalExpression":
        return [...this.outline(node.test), this.#conditional(node)];
      case "LogicalExpression":
        return [...this.outline(node.left), this.#logical(node)];
      case "ClassExpression":
        return [];
      default:
        return children(node).flatMap((child) => this.outline(child));
    }
  }

  /** Waiting for something that may be a hook. */
  awaiting(argument: Node): Outline[] {
    const value = this.#values.valueOf(argument);
    if (value?.is !== "result" && value?.is !== "parameter") return [];
    return [{ type: "await", value, label: this.#source.textOf(argument), ...this.#source.placeOf(argument) }];
  }

  /** The arguments of a call whose result is called later: what it is given runs then. */
  argumentsOf(call: Call): Outline[] {
    return call.arguments.flatMap((argument) => this.outline(argument));
  }

  /** Whether a call is one of the methods of Promise that wait for several promises. */
  isCombinator(call: Node): call is Call {
    return this.#combinator(call) !== null;
  }

  #combinator(call: Node): Parallel<never>["kind"] | null {
    if (call.type !== "CallExpression" && call.type !== "OptionalCallExpression") return null;
    const callee = unwrap(call.callee);
    const name = methodName(callee);
    if (name === null || !combinators.has(name) || !("object" in callee)) return null;
    const isPromise = callee.object.type === "Identifier" && callee.object.name === "Promise";
    return isPromise && this.#values.bindingOf(callee.object) === undefined ? (name as Parallel<never>["kind"]) : null;
  }

  #take(identifier: Node): Outline[] {
    const binding = this.#values.bindingOf(identifier);
    const calls = binding === undefined ? undefined : this.started.get(binding);
    if (binding === undefined || calls === undefined) return [];
    this.started.delete(binding);
    return calls;
  }

  #call(call: Call): Outline[] {
    const kind = this.#combinator(call);
    if (kind !== null) return [this.#parallel(call, kind)];
    const callee = unwrap(call.callee);
    const method = methodName(callee);
    if (method !== null && "object" in callee) {
      if (method === "then" || method === "catch" || method === "finally") return this.#chain(call, method, callee.object);
      if (iterations.has(method) && !this.#isOwnMethod(callee)) return this.#iteration(call, method, callee.object);
      if (method === "from" && callee.object.type === "Identifier" && callee.object.name === "Array" && call.arguments.length > 1)
        return this.#arrayFrom(call);
    }
    const isIndirect = (method === "call" || method === "apply") && "object" in callee;
    const value = this.#values.valueOf(isIndirect ? callee.object : callee);
    const args = isIndirect ? call.arguments.slice(1) : call.arguments;
    return [...this.#before(callee), ...this.argumentsOf(call), ...this.#invoke(call, value, args)];
  }

  /** What is evaluated to find out what is called. */
  #before(callee: Node): Outline[] {
    if ("object" in callee) return this.outline(callee.object as Node);
    if (callee.type === "CallExpression" || callee.type === "OptionalCallExpression") return this.argumentsOf(callee);
    return callee.type === "ConditionalExpression" ? this.outline(callee.test) : [];
  }

  #invoke(call: Call | Extract<Node, { type: "NewExpression" }>, callee: Value | null, args: Node[]): Outline[] {
    const values = args.map((argument) => this.#values.valueOf(argument));
    if (callee === null && values.every((value) => value === null)) return [];
    const [first, last] = [args[0], args.at(-1)];
    const label = first === undefined || last === undefined ? "" : this.#source.textOf({ ...first, end: last.end ?? null });
    return [{ type: "invoke", callee, name: this.#source.textOf(call.callee), label, values, ...this.#source.placeOf(call) }];
  }

  /** Calls what is given as an argument, without arguments that are known. */
  #callBack(argument: Node | undefined): Outline[] {
    const callee = argument === undefined ? null : this.#values.valueOf(argument);
    if (argument === undefined || callee === null) return [];
    const name = this.#source.textOf(argument);
    return [{ type: "invoke", callee, name, label: "", values: [], ...this.#source.placeOf(argument) }];
  }

  #parallel(call: Call, kind: Parallel<never>["kind"]): Outline {
    const [list] = call.arguments;
    const array = list === undefined ? null : unwrap(list);
    const elements =
      array?.type === "ArrayExpression" ? array.elements.filter((element) => element !== null) : array === null ? [] : [array];
    const branches = elements.map((element) => [...this.outline(element), ...this.awaiting(element)]);
    return { type: "parallel", kind, branches, ...this.#source.placeOf(call) };
  }

  /** `promise.then(…)`, `.catch(…)`, `.finally(…)`. */
  #chain(call: Call, method: "then" | "catch" | "finally", promise: Node): Outline[] {
    const before = [...this.outline(promise), ...this.awaiting(promise)];
    const [first, second] = call.arguments;
    const place = this.#source.placeOf(call);
    const inArguments = this.argumentsOf(call);
    if (method === "finally") return [{ type: "try", block: before, finalizer: this.#callBack(first), ...place }, ...inArguments];
    if (method === "catch") return [{ type: "try", block: before, handler: this.#callBack(first), ...place }, ...inArguments];
    const rejected = second === undefined ? [] : this.#callBack(second);
    const tried: Outline[] = rejected.length === 0 ? before : [{ type: "try", block: before, handler: rejected, ...place }];
    return [...tried, ...this.#callBack(first), ...inArguments];
  }

  /** One round of a loop that calls back. */
  #round(callback: Node | undefined): Outline[] {
    return this.#callBack(callback).map((call) => ({ ...call, inPlace: true }) as Outline);
  }

  /** Whether the object is known to have the method itself: an object of the module, or the namespace of another. */
  #isOwnMethod(callee: Node): boolean {
    if (!("object" in callee)) return false;
    const object = this.#values.valueOf(callee.object as Node);
    if (object?.is === "import") return object.imported === "*";
    return object?.is === "object" && this.#values.valueOf(callee) !== null;
  }

  #iteration(call: Call, kind: string, list: Node): Outline[] {
    const [callback, ...others] = call.arguments;
    const label = `${this.#source.textOf(list)}.${kind}`;
    const before = [...this.outline(list), ...others.flatMap((argument) => this.outline(argument))];
    const children = this.#round(callback);
    return children.length === 0 ? before : [...before, { type: "loop", kind, label, children, ...this.#source.placeOf(call) }];
  }

  #arrayFrom(call: Call): Outline[] {
    const [list, callback] = call.arguments;
    if (list === undefined) return [];
    const label = `Array.from(${this.#source.textOf(list)})`;
    const loop: Outline = { type: "loop", kind: "from", label, children: this.#round(callback), ...this.#source.placeOf(call) };
    return [...this.outline(list), loop];
  }

  #conditional(node: Extract<Node, { type: "ConditionalExpression" }>): Outline {
    return {
      type: "branch",
      kind: "conditional",
      label: this.#source.textOf(node.test),
      arms: [
        { label: "then", children: this.outline(node.consequent) },
        { label: "else", children: this.outline(node.alternate) },
      ],
      ...this.#source.placeOf(node),
    };
  }

  #logical(node: Extract<Node, { type: "LogicalExpression" }>): Outline {
    const kinds = { "&&": "and", "||": "or", "??": "nullish" } as const satisfies Record<string, Branch<never>["kind"]>;
    return {
      type: "branch",
      kind: kinds[node.operator],
      label: this.#source.textOf(node.left),
      arms: [{ label: "then", children: this.outline(node.right) }],
      ...this.#source.placeOf(node),
    };
  }
}
