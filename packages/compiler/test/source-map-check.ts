import { parse } from "@babel/parser";
import { TraceMap, originalPositionFor } from "@jridgewell/trace-mapping";
import type { SourceMap } from "magic-string";
import type { Manifest, ManifestEntry } from "../src/manifest.ts";

/** A compiled module, and what it came from. */
export interface Compiled {
  readonly output: string;
  readonly map: SourceMap;
  readonly source: string;
  readonly filename: string;
  readonly target: "host" | "workflow";
  readonly manifest: Manifest;
}

interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

interface Range {
  readonly start: number;
  readonly end: number;
}

/**
 * What is wrong with a source map, in words. Both ways are checked: an identifier of the output that maps to a place maps to the same
 * identifier there, and every identifier of the source that the target keeps has one in the output that maps to exactly its place. What is
 * left over in the output is text that the compiler made. Which parts of the source a target leaves out is found anew here, from the
 * syntax tree and the places of the marked functions.
 */
export function mappingProblems(compiled: Compiled): string[] {
  const { output, map, source, filename } = compiled;
  const trace = new TraceMap(map as ConstructorParameters<typeof TraceMap>[0]);
  const program = parseModule(source, filename);
  const nodes = descendantsOf(program);
  const identifiers = identifiersIn(nodes);
  const names = new Set(identifiers.values());
  const lines = { source: linesOf(source), output: linesOf(output) };
  const at = (code: "source" | "output", offset: number) => {
    const { line, column } = placeAt(lines[code], offset);
    return `${line}:${column + 1}`;
  };
  const printedAnew = nodes.filter(isAwaited);
  const kept = new Set<number>();
  const problems: string[] = [];
  for (const [offset, name] of identifiersIn(descendantsOf(parseModule(output, filename)))) {
    const place = exactPlace(trace, placeAt(lines.output, offset));
    if (place === null) continue;
    const original = offsetAt(lines.source, place);
    if (identifiers.get(original) === name) kept.add(original);
    else if (names.has(name) && !isInside(printedAnew, original)) {
      problems.push(`${name} of the output (${at("output", offset)}) maps to ${at("source", original)}, where the source has no such name`);
    }
  }
  const leftOut = [...leftOutParts(nodes, compiled, kept), ...printedAnew];
  for (const [offset, name] of identifiers) {
    if (kept.has(offset) || isInside(leftOut, offset)) continue;
    problems.push(`${name} of the source (${at("source", offset)}) has no place in the output`);
  }
  return problems;
}

function parseModule(code: string, filename: string): Node {
  const typescript = /\.[cm]?tsx?$/.test(filename);
  const { program } = parse(code, {
    sourceType: "module",
    plugins: [
      ...(typescript ? (["typescript"] as const) : []),
      ...(/\.[mc]?ts$/.test(filename) ? [] : (["jsx"] as const)),
      // Parameters have decorators in TypeScript's own dialect only.
      /\(@|, @/.test(code) ? ("decorators-legacy" as const) : ("decorators" as const),
      "decoratorAutoAccessors",
      "explicitResourceManagement",
    ],
  });
  return program as unknown as Node;
}

function childrenOf(node: Node): Node[] {
  return Object.entries(node).flatMap(([key, value]) => (key === "loc" || key === "extra" ? [] : [value].flat().filter(isNode)));
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && typeof (value as { type?: unknown }).type === "string" && "start" in value;
}

function descendantsOf(node: Node): Node[] {
  return [node, ...childrenOf(node).flatMap(descendantsOf)];
}

/** The identifiers among nodes by their offsets, those of types and of JSX too. */
function identifiersIn(nodes: readonly Node[]): Map<number, string> {
  const found = nodes.filter(({ type }) => type === "Identifier" || type === "JSXIdentifier");
  return new Map(found.map((identifier) => [identifier.start, String(identifier["name"])]));
}

/** The parts of the source of which the target keeps nothing. */
function leftOutParts(nodes: readonly Node[], { source, target, manifest }: Compiled, kept: ReadonlySet<number>): Range[] {
  const lines = linesOf(source);
  const functionsOf = (entries: readonly ManifestEntry[]) =>
    entries.flatMap(({ start }) => {
      const offset = offsetAt(lines, { line: start.line, column: start.column - 1 });
      return nodes.find((node) => node.start === offset && /Function|Method/.test(node.type)) ?? [];
    });
  const steps = functionsOf(manifest.steps);
  // Of a method in the body of a workflow the key goes with the object or class.
  const moved = steps.map((step) => (isMethod(step) ? behindName(step) : step));
  if (target === "host") return functionsOf(manifest.workflows).flatMap((workflow) => without(workflow["body"] as Node, moved));
  const statements = nodes[0]?.["body"] as Node[];
  const workflows = functionsOf(manifest.workflows);
  const parts = [...statements.filter(isStatement), ...statements.flatMap(importsOf)].map((node) => without(node, workflows));
  const gone = parts.filter((ranges) => ![...kept].some((offset) => isInside(ranges, offset)));
  return [...steps.map(behindName), ...gone.flat()];
}

/** A range without those inside it. */
function without({ start, end }: Range, inner: readonly Range[]): Range[] {
  const parts: Range[] = [];
  let from = start;
  for (const range of inner.filter((candidate) => candidate.start >= start && candidate.end <= end)) {
    parts.push({ start: from, end: range.start });
    from = range.end;
  }
  return [...parts, { start: from, end }];
}

/** A function without its name. */
function behindName(node: Node): Range {
  const name = node["id"] ?? node["key"];
  return { start: isNode(name) ? name.end : node.start, end: node.end };
}

const isMethod = ({ type }: Node): boolean => type.endsWith("Method");

/** Whether a top-level statement only does something. */
const isStatement = ({ type }: Node): boolean => !/Declaration$|^TS/.test(type);

/** What an import consists of: the names can go one by one. */
const importsOf = (node: Node): Node[] => (node.type === "ImportDeclaration" ? [node, ...(node["specifiers"] as Node[])] : []);

/** What a top-level `await` or `using` would have initialised is printed anew, as something that cannot be had. */
const isAwaited = (node: Node): boolean =>
  (node.type === "VariableDeclaration" && String(node["kind"]).endsWith("using")) ||
  (node.type === "VariableDeclarator" && descendantsOf(node).some(({ type }) => type === "AwaitExpression"));

const isInside = (ranges: readonly Range[], offset: number): boolean => ranges.some(({ start, end }) => start <= offset && offset < end);

interface Place {
  /** From 1. */
  readonly line: number;
  /** From 0. */
  readonly column: number;
}

/** Where a place of the output maps to, if a mapping begins exactly there. */
function exactPlace(trace: TraceMap, { line, column }: Place): Place | null {
  const here = originalPositionFor(trace, { line, column });
  if (here.line === null) return null;
  const before = column === 0 ? null : originalPositionFor(trace, { line, column: column - 1 });
  const isExact = before === null || before.line !== here.line || before.column !== here.column;
  return isExact ? { line: here.line, column: here.column } : null;
}

/** The offsets at which lines begin. */
const linesOf = (code: string): number[] => [0, ...[...code.matchAll(/\n/g)].map(({ index }) => index + 1)];

const offsetAt = (lines: readonly number[], { line, column }: Place): number => (lines[line - 1] ?? 0) + column;

function placeAt(lines: readonly number[], offset: number): Place {
  const line = lines.findLastIndex((start) => start <= offset);
  return { line: line + 1, column: offset - (lines[line] ?? 0) };
}
