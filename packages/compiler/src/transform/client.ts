import { RangeSet } from "../analyse/range-set.ts";
import { rangeOf } from "../parse/nodes.ts";
import { type Editor, removeDirectives, topOf } from "./editor.ts";
import { detachedRange, replacementText } from "./functions.ts";
import { removeUnusedImports } from "./imports.ts";

/**
 * The module for a browser: what steps and workflows do stays on the server, and so do the imports that only they use. The functions keep
 * their places and reject when they are called. Everything else of the module is as it was.
 */
export function transformClient(editor: Editor): void {
  const { marked, sites, file } = editor.analysis;
  removeDirectives(editor, sites.file?.directives ?? []);
  const unavailable = editor.uniqueName("$unavailable");
  const args = editor.uniqueName("$args");
  const bodies = new RangeSet(marked.map((fn) => detachedRange(editor, fn)));
  let end = 0;
  for (const fn of marked) {
    const range = detachedRange(editor, fn);
    if (range.start < end) continue; // gone with the workflow around it
    end = range.end;
    editor.text.update(range.start, end, replacementText(fn, { args, call: `${unavailable}(${JSON.stringify(fn.id)})` }));
  }
  removeUnusedImports(editor, (node) => bodies.contains(rangeOf(node)));
  const text = `is a step or workflow: it runs on the server. Call an endpoint that starts it.`;
  editor.text.prependLeft(topOf(file), `const ${unavailable} = (id) => Promise.reject(new Error(\`"\${id}" ${text}\`)); `);
}
