import type { Node } from "@babel/types";
import { rangeOf } from "../parse/nodes.ts";
import type { Editor } from "./editor.ts";

/**
 * Registers the classes whose instances can be stored, each in a static block at its end: a class that nothing needs then falls away together with its
 * registration.
 * @param isGone whether the target leaves out the place of a class
 * @param call gives the call that registers `this` under an id
 */
export function registerClasses(editor: Editor, isGone: (node: Node) => boolean, call: (id: string) => string): void {
  for (const { node, id } of editor.analysis.storedClasses) {
    if (isGone(node)) continue;
    const last = node.body.body.at(-1);
    // Of a field or a declaration that ends with its line, the end must be written where the line goes on.
    const isOpen = last !== undefined && !/Method$|^StaticBlock$/.test(last.type) && editor.code[rangeOf(last).end - 1] !== ";";
    const block = ` static { ${call(id)}; }`;
    editor.text.appendRight(rangeOf(node.body).end - 1, isOpen ? `;${block}` : block);
  }
}
