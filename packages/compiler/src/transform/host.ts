import type { Node } from "@babel/types";
import type { MarkedFunction } from "../analyse/marked-function.ts";
import { RangeSet } from "../analyse/range-set.ts";
import { type Range, isMethod, rangeOf } from "../parse/nodes.ts";
import { type Editor, findToken, nameFunction, removeDirectives, topOf, updateExcept } from "./editor.ts";
import { detachedRange, detachedStart, generatedName, isExpression, movedRange, movedStart, replacementText } from "./functions.ts";
import { keepsLoading } from "./imports.ts";
import { registerClasses } from "./stored-classes.ts";

/** How to transform a module for the host. */
export interface HostOptions {
  /** What to import the workflows' bundles from. */
  bundles?: string | undefined;
  /** The former ids of functions, by their present one. */
  formerIds: ReadonlyMap<string, readonly string[]>;
}

/**
 * The application's own module: steps are registered where they stand, workflows become references, and what is not evaluated with the module
 * moves out to its top. Everything that it adds goes in front of the first statement, on that statement's line if it can, so that lines
 * keep their numbers.
 */
export function transformHost(editor: Editor, options: HostOptions): void {
  new HostTransform(editor, options).run();
}

class HostTransform {
  readonly #editor: Editor;
  readonly #options: HostOptions;
  readonly #runtimeNames = new Map<string, string>();
  readonly #top: number;
  readonly #registrations: string[] = [];
  #bundles: string | null = null;
  #args: string | null = null;

  constructor(editor: Editor, options: HostOptions) {
    this.#editor = editor;
    this.#options = options;
    this.#top = topOf(editor.analysis.file);
  }

  run(): void {
    const { marked, sites, file } = this.#editor.analysis;
    removeDirectives(this.#editor, sites.file?.directives ?? []);
    for (const fn of marked) {
      if (fn.kind === "step") removeDirectives(this.#editor, fn.directives);
    }
    for (const fn of marked) this.#place(fn);
    const isRemoved = removedParts(marked);
    registerClasses(
      this.#editor,
      (node) => isRemoved(rangeOf(node)),
      (id) => `${this.#runtime("registerClass")}(${quote(id)}, this${this.#former({ id })})`,
    );
    const imports = [
      this.#import(),
      ...(this.#bundles === null ? [] : [`import ${this.#bundles} from ${quote(this.#options.bundles ?? "")};`]),
    ];
    const head = [...imports, ...keepsLoading(this.#editor, (node) => isRemoved(rangeOf(node))), ...this.#registrations].join(" ");
    this.#editor.text.prependLeft(this.#top, rangeOf(file.program).end === 0 ? head : `${head} `);
  }

  #place(fn: MarkedFunction): void {
    const { node, placement } = fn;
    if (fn.kind === "workflow") this.#emptyBody(fn);
    switch (placement.kind) {
      case "declaration":
        return this.#registerDeclaration(fn, placement.block);
      case "value":
        return this.#registerValue(fn);
      case "method": {
        const isStatic = isMethod(node) && node.type !== "ObjectMethod" && node.static === true;
        const target = `this${isStatic ? "" : ".prototype"}${memberAccess(this.#editor, node)}`;
        return void this.#editor.text.appendLeft(rangeOf(node).end, ` static { ${this.#call(fn, target)}; }`);
      }
      case "closure":
        return fn.kind === "step" ? this.#moveStep(fn) : this.#moveWorkflow(fn);
      default:
        placement satisfies never;
    }
  }

  /** A declaration exists from the beginning of its block on, so it is registered there. */
  #registerDeclaration(fn: MarkedFunction, block: Node): void {
    const { node } = fn;
    let name = "id" in node && node.id ? node.id.name : null;
    if (name === null) {
      name = this.#editor.uniqueName("$default");
      nameFunction(this.#editor, node, name);
    }
    const statement = `${this.#call(fn, name)};`;
    if (block.type === "Program") this.#registrations.push(statement);
    else this.#editor.text.appendLeft(findToken(this.#editor, "{", rangeOf(block).start) + 1, ` ${statement}`);
  }

  #registerValue(fn: MarkedFunction): void {
    const { node } = fn;
    const { text } = this.#editor;
    const { start, end } = rangeOf(node);
    const [before, after] = this.#callAround(fn);
    if (!isMethod(node)) {
      text.appendRight(start, before).appendLeft(end, after);
      return;
    }
    const detached = detachedRange(this.#editor, fn);
    const key = node.computed ? this.#editor.code.lastIndexOf("[", rangeOf(node.key).start) : rangeOf(node.key).start;
    text.remove(start, key);
    text.appendRight(detached.start, `: ${before}${detachedStart(fn)}`).appendLeft(end, after);
  }

  /** Moves a step out of its place, in which a call of it remains unless that is in the body of a workflow. */
  #moveStep(fn: MarkedFunction): void {
    const { text } = this.#editor;
    const { start, end } = movedRange(this.#editor, fn);
    const name = generatedName(this.#editor, fn);
    const captures = fn.captures.map((binding) => binding.name).join(", ");
    const object = captures === "" ? "" : `{ ${captures} }`;
    if (fn.workflow === null) {
      const args = this.#restName;
      text.appendLeft(start, replacementText(fn, { args, call: `${name}(${object})(...${args})` }));
    }
    text.appendRight(start, `function ${name}(${object}) { return ${movedStart(fn)}`).appendLeft(end, "; } ");
    text.move(start, end, this.#top);
    this.#registrations.push(`${this.#runtime("closureStep")}(${quote(fn.id)}, ${name}, ${quote(fn.name)}${this.#former(fn)});`);
  }

  /** A workflow that only some evaluations of the module define exists in all of them. */
  #moveWorkflow(fn: MarkedFunction): void {
    const { text } = this.#editor;
    const { start, end } = detachedRange(this.#editor, fn);
    const name = generatedName(this.#editor, fn);
    const args = this.#restName;
    text.appendLeft(start, isExpression(fn.node) ? name : replacementText(fn, { args, call: `${name}(...${args})` }));
    const [before, after] = this.#callAround(fn);
    text.appendRight(start, `const ${name} = ${before}${detachedStart(fn)}`).appendLeft(end, `${after}; `);
    text.move(start, end, this.#top);
  }

  #emptyBody(fn: MarkedFunction): void {
    const inside = this.#editor.analysis.marked.filter(({ workflow }) => workflow === fn.node);
    const moved = inside.map((step) => movedRange(this.#editor, step));
    updateExcept(this.#editor, rangeOf(fn.node.body), moved, `{ throw ${this.#runtime("workflowCalled")}(${quote(fn.id)}); }`);
  }

  /** The call that registers a function which is named by an expression. */
  #call(fn: MarkedFunction, target: string): string {
    const [before, after] = this.#callAround(fn);
    return `${before}${target}${after}`;
  }

  /** The text on both sides of a function which registers it. */
  #callAround(fn: MarkedFunction): [before: string, after: string] {
    const bundle = fn.kind === "workflow" ? this.#bundleOf(fn) : "";
    const former = this.#former(fn);
    const gap = fn.kind === "workflow" && bundle === "" && former !== "" ? ", undefined" : "";
    return [`${this.#runtime(fn.kind)}(${quote(fn.id)}, `, `, ${quote(fn.name)}${bundle}${gap}${former})`];
  }

  #bundleOf({ id }: MarkedFunction): string {
    if (this.#options.bundles === undefined) return "";
    this.#bundles ??= this.#editor.uniqueName("$bundles");
    return `, ${this.#bundles}[${quote(id)}]`;
  }

  #former({ id }: { id: string }): string {
    const former = this.#options.formerIds.get(id) ?? [];
    return former.length === 0 ? "" : `, ${JSON.stringify(former)}`;
  }

  get #restName(): string {
    this.#args ??= this.#editor.uniqueName("$args");
    return this.#args;
  }

  /** The name of one of the runtime's functions in the compiled module. */
  #runtime(exported: "step" | "closureStep" | "workflow" | "workflowCalled" | "registerClass"): string {
    const known = this.#runtimeNames.get(exported);
    if (known !== undefined) return known;
    const name = this.#editor.uniqueName(`$${exported}`);
    this.#runtimeNames.set(exported, name);
    return name;
  }

  #import(): string {
    const specifiers = [...this.#runtimeNames].map(([exported, name]) => `${exported} as ${name}`);
    return `import { ${specifiers.join(", ")} } from "perdure/internal";`;
  }
}

/** How to read a method from what it belongs to, in source text. */
function memberAccess({ code }: Editor, node: MarkedFunction["node"]): string {
  if (!("key" in node)) return "";
  const key = code.slice(rangeOf(node.key).start, rangeOf(node.key).end);
  const isName = node.type === "ClassPrivateMethod" || (node.key.type === "Identifier" && !node.computed);
  return isName ? `.${key}` : `[${key}]`;
}

/** Says whether the host target leaves out a part of the source: it is in the body of a workflow, and not in a step there. */
function removedParts(marked: readonly MarkedFunction[]): (at: Range) => boolean {
  const rangesOf = (kind: MarkedFunction["kind"], part: (fn: MarkedFunction) => Node) =>
    new RangeSet(marked.filter((fn) => fn.kind === kind).map((fn) => rangeOf(part(fn))));
  const workflows = rangesOf("workflow", ({ node }) => node.body);
  const steps = rangesOf("step", ({ node }) => node);
  return (at) => workflows.contains(at) && !steps.contains(at);
}

const quote = (text: string): string => JSON.stringify(text);
