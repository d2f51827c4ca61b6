import type { File, Node } from "@babel/types";
import MagicString from "magic-string";
import type { Analysis } from "../analyse/analyse.ts";
import { type FunctionNode, type Range, rangeOf } from "../parse/nodes.ts";
import { type UniqueName, createUniqueName } from "./names.ts";

/** A module under transformation: its text with edits, and what is known about it. */
export interface Editor {
  readonly code: string;
  readonly text: MagicString;
  readonly analysis: Analysis;
  readonly uniqueName: UniqueName;
}

export function createEditor(code: string, analysis: Analysis): Editor {
  return { code, text: new MagicString(code), analysis, uniqueName: createUniqueName(analysis.tree.names) };
}

/** Where statements go that run before all others: behind the directives of the file and the comments above its first statement. */
export function topOf({ program }: File): number {
  const first = program.body[0];
  if (first) return rangeOf(first).start;
  return rangeOf(program.directives.at(-1) ?? program).end;
}

/** Removes directives, with the line of each if nothing else is on it. */
export function removeDirectives(editor: Editor, directives: readonly Node[]): void {
  for (const directive of directives) removeWithLine(editor, rangeOf(directive));
}

/** Replaces a part of the source, save for parts of it that have moved elsewhere. */
export function updateExcept({ text }: Editor, { start, end }: Range, kept: readonly Range[], content: string): void {
  let offset = start;
  for (const range of [...kept].sort((a, b) => a.start - b.start)) {
    if (range.start > offset) text.remove(offset, range.start);
    offset = range.end;
  }
  text.update(offset, end, content);
}

/** Removes a part of the source, with its line if nothing else is on it. */
export function removeWithLine({ code, text }: Editor, { start, end }: Range): void {
  const rest = /^[ \t]*(?:\r\n|\n|\r)/.exec(code.slice(end, end + 200));
  const indent = /(?:^|[\n\r])([ \t]*)$/.exec(code.slice(Math.max(0, start - 200), start));
  if (rest && indent?.[1] !== undefined) text.remove(start - indent[1].length, end + rest[0].length);
  else text.remove(start, end + (/^[ \t]*/.exec(code.slice(end, end + 200))?.[0].length ?? 0));
}

/** The offset of the first `token` at or behind `from` that is not inside a comment. */
export function findToken({ code, analysis }: Editor, token: string, from: number): number {
  let offset = code.indexOf(token, from);
  for (const comment of analysis.file.comments ?? []) {
    const { start = 0, end = 0 } = comment;
    if (offset >= start && offset < end) offset = code.indexOf(token, end);
  }
  return offset;
}

/** The keyword `function` of a function without a name gets one behind it. */
export function nameFunction(editor: Editor, node: FunctionNode, name: string): void {
  const keyword = findToken(editor, "function", rangeOf(node).start);
  editor.text.appendLeft(keyword + "function".length, ` ${name}`);
}
