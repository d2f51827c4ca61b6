import type { Node } from "@babel/types";
import type { MarkedFunction } from "../analyse/marked-function.ts";
import { RangeSet } from "../analyse/range-set.ts";
import { type Range, rangeOf } from "../parse/nodes.ts";
import { type Editor, nameFunction, removeDirectives, topOf } from "./editor.ts";
import { keepsLoading } from "./imports.ts";

/** The names of the runtime's functions in the compiled module, as far as it needs them. */
class Runtime {
  readonly #editor: Editor;
  readonly #names = new Map<string, string>();

  constructor(editor: Editor) {
    this.#editor = editor;
  }

  name(exported: "step" | "closureStep" | "workflow" | "workflowCalled"): string {
    const known = this.#names.get(exported);
    if (known !== undefined) return known;
    const name = this.#editor.uniqueName(`$${exported}`);
    this.#names.set(exported, name);
    return name;
  }

  get import(): string {
    const specifiers = [...this.#names].map(([exported, name]) => `${exported} as ${name}`);
    return `import { ${specifiers.join(", ")} } from "perdure/internal";`;
  }
}

/**
 * The application's own module: steps are registered where they stand, workflows become references, and steps inside workflows move out.
 * Everything that it adds goes in front of the first statement, on that statement's line if it can, so that lines keep their numbers.
 */
export function transformHost(editor: Editor, bundles: string | undefined): void {
  const { marked, sites, file } = editor.analysis;
  const runtime = new Runtime(editor);
  const hasWorkflow = marked.some(({ kind }) => kind === "workflow");
  const bundleName = hasWorkflow && bundles !== undefined ? editor.uniqueName("$bundles") : null;
  const top = topOf(file);
  const registrations: string[] = [];
  removeDirectives(editor, sites.file?.directives ?? []);
  for (const fn of marked) if (fn.kind === "step") removeDirectives(editor, fn.directives);
  for (const fn of marked) {
    const bundle = fn.kind === "workflow" && bundleName !== null ? `, ${bundleName}[${quote(fn.id)}]` : "";
    if (fn.placement.kind !== "nested") register(editor, fn, runtime, bundle, registrations);
  }
  for (const fn of marked) if (fn.kind === "workflow") emptyWorkflow(editor, fn, runtime, marked, top);
  const isRemoved = removedParts(marked);
  const imports = [runtime.import, ...(bundleName === null ? [] : [`import ${bundleName} from ${quote(bundles ?? "")};`])];
  const head = [...imports, ...keepsLoading(editor, (node) => isRemoved(rangeOf(node))), ...registrations].join(" ");
  editor.text.prependLeft(top, rangeOf(file.program).end === 0 ? head : `${head} `);
}

/** Adds the call that registers a function: in front of everything for hoisted declarations, around the value for others. */
function register(editor: Editor, fn: MarkedFunction, runtime: Runtime, bundle: string, registrations: string[]): void {
  const { node, placement, id, name } = fn;
  const call = `${runtime.name(fn.kind)}(${quote(id)}, `;
  const { start, end } = rangeOf(node);
  if (placement.kind === "declaration") {
    const local = placement.name ?? editor.uniqueName("$default");
    if (placement.name === null) nameFunction(editor, node, local);
    registrations.push(`${call}${local}, ${quote(name)}${bundle});`);
  } else if (node.type === "ObjectMethod") {
    const key = editor.code.slice(rangeOf(node.key).start, rangeOf(node.key).end);
    const access = node.key.type === "Identifier" ? `.${key}` : `[${key}]`;
    editor.text.appendRight(start, `${key}: ${call}{ `);
    editor.text.appendLeft(end, ` }${access}, ${quote(name)}${bundle})`);
  } else {
    editor.text.appendRight(start, call);
    editor.text.appendLeft(end, `, ${quote(name)}${bundle})`);
  }
}

/** Replaces a workflow's body and moves the steps inside it to the top of the module. */
function emptyWorkflow(editor: Editor, fn: MarkedFunction, runtime: Runtime, marked: readonly MarkedFunction[], top: number): void {
  const body = rangeOf(fn.node.body);
  const nested = marked.filter(({ placement }) => placement.kind === "nested" && placement.workflow === fn.node);
  let offset = body.start;
  for (const step of nested) {
    const range = rangeOf(step.node);
    editor.text.remove(offset, range.start);
    moveStep(editor, step, runtime, top);
    offset = range.end;
  }
  editor.text.update(offset, body.end, `{ throw ${runtime.name("workflowCalled")}(${quote(fn.id)}); }`);
}

function moveStep(editor: Editor, step: MarkedFunction, runtime: Runtime, top: number): void {
  const { start, end } = rangeOf(step.node);
  const parameters = step.captures.length === 0 ? "" : `{ ${step.captures.map(({ name }) => name).join(", ")} }`;
  editor.text.appendRight(start, `${runtime.name("closureStep")}(${quote(step.id)}, (${parameters}) => `);
  editor.text.appendLeft(end, `, ${quote(step.name)}); `);
  editor.text.move(start, end, top);
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
