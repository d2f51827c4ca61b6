import type { Node, Statement, SwitchCase, SwitchStatement, TryStatement, VariableDeclarator } from "@babel/types";
import type { Binding } from "../analyse/scope.ts";
import { type FunctionNode, rangeOf, unwrap } from "../parse/nodes.ts";
import { ExpressionOutliner, type OutlineSource } from "./expression-outliner.ts";
import type { End, Loop, Place } from "./graph.ts";
import type { Outline } from "./outline.ts";
import { type StartedCalls, createStartedCalls } from "./started-calls.ts";
import type { ValueReader } from "./value-reader.ts";

/** A promise that is not awaited yet. */
interface Pending {
  binding: Binding;
  calls: Outline[];
  place: Place;
}

/** Outlines the bodies of functions: the control flow, and in it the calls that may be durable. */
export class StatementOutliner {
  readonly #source: OutlineSource;
  readonly #values: ValueReader;
  readonly #expressions: ExpressionOutliner;
  readonly #started: StartedCalls;

  constructor(source: OutlineSource, values: ValueReader) {
    this.#source = source;
    this.#values = values;
    this.#expressions = new ExpressionOutliner(source, values);
    this.#started = createStartedCalls(source.tree, values, (call) => this.#expressions.isCombinator(call));
  }

  /** What a function does, without the `return` at its very end. */
  body(fn: FunctionNode): Outline[] {
    const { body } = fn;
    if (body.type !== "BlockStatement") return this.#value(body);
    return withoutLast(this.#list(body.body), "return");
  }

  /** The value of an expression that is returned, and so awaited by the caller. */
  #value(expression: Node): Outline[] {
    return [...this.#expressions.outline(expression), ...this.#expressions.awaiting(expression)];
  }

  /**
   * Statements in order. Calls that are started one after another and all awaited by the next statement are shown there; otherwise they
   * and what is done until the first of them is awaited happen at the same time.
   */
  #list(statements: readonly Statement[]): Outline[] {
    const nodes: Outline[] = [];
    let pending: Pending[] = [];
    let mark = 0;
    const collect = () => {
      const meanwhile = nodes.splice(mark);
      nodes.push(...atTheSameTime(pending, meanwhile));
      pending = [];
    };
    for (const statement of statements) {
      const binding = this.#started.startedBy(statement);
      if (binding !== null) {
        if (pending.length === 0) mark = nodes.length;
        pending.push({ binding, calls: this.#statement(statement), place: this.#source.placeOf(statement) });
        continue;
      }
      const awaited = pending.filter(({ binding }) => this.#started.awaitedIn(binding, rangeOf(statement)));
      if (awaited.length === 0) nodes.push(...this.#statement(statement));
      else if (awaited.length === pending.length && nodes.length === mark) {
        nodes.push(...this.#withStarted(pending, statement));
        pending = [];
      } else {
        collect();
        nodes.push(...this.#statement(statement));
      }
      if (isEnd(nodes.at(-1))) break;
    }
    if (pending.length > 0) collect();
    return nodes;
  }

  #withStarted(pending: Pending[], statement: Statement): Outline[] {
    const { started } = this.#expressions;
    for (const { binding, calls } of pending) started.set(binding, [...(started.get(binding) ?? []), ...calls]);
    const nodes = this.#statement(statement);
    const missed = pending.flatMap(({ binding }) => started.get(binding) ?? []);
    for (const { binding } of pending) started.delete(binding);
    return [...missed, ...nodes];
  }

  #statement(node: Statement): Outline[] {
    switch (node.type) {
      case "ExpressionStatement":
        return this.#detached(node.expression);
      case "VariableDeclaration":
        return node.declarations.flatMap((declarator) => this.#declarator(declarator));
      case "ReturnStatement":
        return [...(node.argument ? this.#value(node.argument) : []), this.#end(node, "return", node.argument)];
      case "ThrowStatement":
        return [...this.#expressions.outline(node.argument), this.#end(node, "throw", node.argument)];
      case "BreakStatement":
        return [this.#end(node, "break", node.label)];
      case "ContinueStatement":
        return [this.#end(node, "continue", node.label)];
      case "BlockStatement":
        return this.#list(node.body);
      case "LabeledStatement":
        return this.#statement(node.body);
      case "IfStatement":
        return [...this.#expressions.outline(node.test), this.#if(node)];
      case "SwitchStatement":
        return [...this.#expressions.outline(node.discriminant), this.#switch(node)];
      case "TryStatement":
        return [this.#try(node)];
      default:
        return this.#loop(node);
    }
  }

  /** An expression whose value nothing uses: a call that it consists of is not waited for. */
  #detached(expression: Node): Outline[] {
    const node = unwrap(expression);
    const call = node.type === "UnaryExpression" && node.operator === "void" ? unwrap(node.argument) : node;
    const nodes = this.#expressions.outline(node);
    const last = nodes.at(-1);
    const isCall = call.type === "CallExpression" || call.type === "OptionalCallExpression";
    if (!isCall || last?.type !== "invoke") return nodes;
    const { line, column } = this.#source.placeOf(call);
    return last.line === line && last.column === column ? [...nodes.slice(0, -1), { ...last, detached: true }] : nodes;
  }

  #declarator({ id, init }: VariableDeclarator): Outline[] {
    if (!init) return [];
    const value = unwrap(init);
    const binding = id.type === "Identifier" ? this.#values.declared(id) : null;
    // What `const pay = withRetry(charge)` was given runs where `pay` is called.
    if (value.type === "CallExpression" && binding !== null && this.#isCalled(binding)) return this.#expressions.argumentsOf(value);
    return this.#expressions.outline(value);
  }

  #isCalled({ references }: Binding): boolean {
    return references.some(({ node }) => {
      const parent = this.#source.tree.parentOf(node);
      return parent?.type === "CallExpression" && parent.callee === node;
    });
  }

  #end(node: Node, type: End["type"], value: Node | null | undefined): Outline {
    return { type, label: value ? this.#source.textOf(value) : "", ...this.#source.placeOf(node) };
  }

  #if(node: Extract<Node, { type: "IfStatement" }>): Outline {
    const arms = [{ label: "then", children: this.#statement(node.consequent) }];
    if (node.alternate) arms.push({ label: "else", children: this.#statement(node.alternate) });
    return { type: "branch", kind: "if", label: this.#source.textOf(node.test), arms, ...this.#source.placeOf(node) };
  }

  /** Cases that share their statements are one arm; the `break` at the end of one says nothing. */
  #switch(node: SwitchStatement): Outline {
    const arms: { label: string; children: Outline[] }[] = [];
    let labels: string[] = [];
    for (const [index, item] of node.cases.entries()) {
      labels.push(item.test ? this.#source.textOf(item.test) : "default");
      if (item.consequent.length === 0 && index < node.cases.length - 1) continue;
      arms.push({ label: labels.join(" | "), children: this.#case(item) });
      labels = [];
    }
    return { type: "branch", kind: "switch", label: this.#source.textOf(node.discriminant), arms, ...this.#source.placeOf(node) };
  }

  #case({ test, consequent }: SwitchCase): Outline[] {
    const before = test ? this.#expressions.outline(test) : [];
    return [...before, ...withoutLast(this.#list(consequent), "break")];
  }

  #try({ block, handler, finalizer, ...node }: TryStatement): Outline {
    return {
      type: "try",
      block: this.#list(block.body),
      ...(handler ? { handler: this.#list(handler.body.body) } : {}),
      ...(finalizer ? { finalizer: this.#list(finalizer.body) } : {}),
      ...this.#source.placeOf(node as Node),
    };
  }

  #loop(node: Statement): Outline[] {
    switch (node.type) {
      case "WhileStatement":
        return [this.#looping(node, "while", [...this.#expressions.outline(node.test), ...this.#statement(node.body)])];
      case "DoWhileStatement": {
        const children = [...withoutLast(this.#statement(node.body), "continue"), ...this.#expressions.outline(node.test)];
        return [{ ...this.#looping(node, "do", children), label: this.#source.textOf(node.test) }];
      }
      case "ForStatement": {
        const { init, test, update, body } = node;
        const before = init ? (init.type === "VariableDeclaration" ? this.#statement(init) : this.#expressions.outline(init)) : [];
        const each = test ? this.#expressions.outline(test) : [];
        const after = update ? this.#expressions.outline(update) : [];
        return [...before, this.#looping(node, "for", [...each, ...withoutLast(this.#statement(body), "continue"), ...after])];
      }
      case "ForInStatement":
        return [...this.#expressions.outline(node.right), this.#looping(node, "for-in", this.#statement(node.body))];
      case "ForOfStatement": {
        const each = node.await ? this.#expressions.awaiting(node.right) : [];
        const kind = node.await ? "for-await" : "for-of";
        return [...this.#expressions.outline(node.right), this.#looping(node, kind, [...each, ...this.#statement(node.body)])];
      }
      default:
        return [];
    }
  }

  #looping(node: Extract<Statement, { body: Statement }>, kind: string, children: Outline[]): Loop<never> & Outline {
    const head = { ...node, end: node.body.start ?? null } as Node;
    const label = this.#source.textOf(head);
    return { type: "loop", kind, label, children: withoutLast(children, "continue"), ...this.#source.placeOf(node) } as Loop<never> &
      Outline;
  }
}

/** Started calls beside what happens before they are awaited. */
function atTheSameTime(pending: readonly Pending[], meanwhile: Outline[]): Outline[] {
  const [first] = pending;
  if (first === undefined) return meanwhile;
  const branches = [...pending.map(({ calls }) => calls), meanwhile].filter((nodes) => nodes.length > 0);
  return branches.length < 2 ? branches.flat() : [{ type: "parallel", kind: "started", branches, ...first.place }];
}

function withoutLast(nodes: Outline[], type: End["type"]): Outline[] {
  const last = nodes.at(-1);
  return last?.type === type && (type === "return" || last.label === "") ? nodes.slice(0, -1) : nodes;
}

function isEnd(node: Outline | undefined): boolean {
  return node !== undefined && /^(?:return|throw|break|continue)$/.test(node.type);
}
