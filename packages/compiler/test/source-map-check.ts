import { parse } from "@babel/parser";
import { TraceMap, originalPositionFor } from "@jridgewell/trace-mapping";
import type { SourceMap } from "magic-string";

/** An identifier of compiled code whose place in the source is wrong or unknown. */
export interface Misplaced {
  name: string;
  line: number;
  column: number;
  /** What the source map says: the text at the place, or null for no place at all. */
  found: string | null;
}

/** Checks every identifier of the output: it must map to exactly the same name in the source, unless the compiler made it up. */
export function misplacedIdentifiers(output: string, map: SourceMap, source: string, filename: string): Misplaced[] {
  const trace = new TraceMap(map as ConstructorParameters<typeof TraceMap>[0]);
  const lines = source.split("\n");
  const typescript = /\.[cm]?tsx?$/.test(filename);
  const { tokens } = parse(output, {
    sourceType: "module",
    tokens: true,
    plugins: [
      ...(typescript ? (["typescript"] as const) : []),
      ...(/\.[mc]?ts$/.test(filename) ? [] : (["jsx"] as const)),
      "decorators",
      "decoratorAutoAccessors",
      "explicitResourceManagement",
    ],
  });
  return (tokens ?? []).flatMap(
    (token: { type: { label: string }; value: string; loc: { start: { line: number; column: number } } }): Misplaced[] => {
      if (token.type?.label !== "name" && token.type?.label !== "jsxName") return [];
      const { line, column } = token.loc.start;
      const { line: originalLine, column: originalColumn } = originalPositionFor(trace, { line, column });
      if (originalLine === null || !isExact(trace, line, column))
        return isGenerated(token.value) ? [] : [{ name: token.value, line, column, found: null }];
      const text = (lines[originalLine - 1] ?? "").slice(originalColumn, originalColumn + token.value.length);
      // What an `await` would have initialised is printed anew.
      const rest = (output.split("\n").at(line - 1) ?? "").slice(column + token.value.length);
      const isReprinted = rest.startsWith(" = /* @__PURE__ */ (() => __perdureUnavailable");
      return text === token.value || isGenerated(token.value) || isReprinted ? [] : [{ name: token.value, line, column, found: text }];
    },
  );
}

/** Whether a mapping begins exactly there. */
function isExact(trace: TraceMap, line: number, column: number): boolean {
  const here = originalPositionFor(trace, { line, column });
  const before = column === 0 ? null : originalPositionFor(trace, { line, column: column - 1 });
  return before === null || before.line !== here.line || before.column !== here.column;
}

const isGenerated = (name: string): boolean => name.startsWith("$");
