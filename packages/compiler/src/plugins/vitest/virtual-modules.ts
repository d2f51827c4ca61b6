/**
 * The modules that stand between a test's module graph and the workflows in it:
 *
 * - `<file>?perdure`: a file with workflows, compiled for the workflow target;
 * - `virtual:perdure/exports?for=…&file=…`: a file's exports, in which each step is a call that goes through history when workflow code makes it. Everything
 *   else comes from the file itself, where mocks are. `for=workflow`: its workflows are the compiled ones; `for=module`: they are the host's.
 */
import type { ManifestEntry } from "../../manifest.ts";
import type { ModuleExports } from "./module-exports.ts";

/** Which code imports: compiled workflow code, or a module of the application around it. */
export type Importer = "workflow" | "module";

const query = "?perdure";
const prefix = "virtual:perdure/exports?for=";

/** What the compiled code of workflows and tests imports. */
export const RUNTIME = "perdure/internal/vitest";

const workflowId = (file: string): string => file + query;

/** The file of a module id that has the query of compiled workflow code; null for every other id. */
export function fileOfWorkflowId(id: string): string | null {
  return id.endsWith(query) ? id.slice(0, -query.length) : null;
}

export const exportsId = (file: string, importer: Importer): string => `${prefix}${importer}&file=${encodeURIComponent(file)}`;

/** The parts of an exports id, with or without the `\0` of resolved ids; null for any other id. */
export function parseExportsId(id: string): { readonly file: string; readonly importer: Importer } | null {
  const found = /^\0?virtual:perdure\/exports\?for=(workflow|module)&file=(.*)$/.exec(id);
  return found ? { importer: found[1] as Importer, file: decodeURIComponent(found[2] ?? "") } : null;
}

/** The module that replaces a file's bundles: its workflows as they are in the module graph. */
export function bundlesText(file: string, workflows: readonly ManifestEntry[]): string {
  const entries = workflows.map(({ id }, index) => {
    const imports = `await import(${quote(exportsId(file, "workflow"))}); return (await import(${quote(workflowId(file))})).$perdure${index};`;
    return `  ${quote(id)}: $inPlace(async () => { ${imports} }),\n`;
  });
  return `import { inPlace as $inPlace } from ${quote(RUNTIME)};\nexport default {\n${entries.join("")}};\n`;
}

/** The module of an exports id. */
export function exportsText(file: string, importer: Importer, exports: ModuleExports): string {
  const lines = [
    `import { stepExport as $stepExport, stepMember as $stepMember } from ${quote(RUNTIME)};`,
    `import * as $file from ${quote(file)};`,
    `export * from ${quote(file)};`,
  ];
  for (const [index, [name, id]] of [...exports.steps].entries()) {
    const place = `{ file: ${quote(file)}, name: ${quote(name)}, read: () => $file[${quote(name)}] }`;
    lines.push(`const $step${index} = $stepExport(${quote(id)}, ${place});`, `export { $step${index} as ${quote(name)} };`);
  }
  for (const [path, id] of exports.members) {
    const read = path
      .split(".")
      .map((name) => `[${quote(name)}]`)
      .join("");
    lines.push(`$stepMember(${quote(id)}, { file: ${quote(file)}, name: ${quote(path)}, read: () => $file${read} });`);
  }
  const others = importer === "workflow" ? exports.others : new Map<string, never>();
  for (const [name, other] of others) {
    lines.push(`export { ${quote(other.name)} as ${quote(name)} } from ${quote(workflowId(other.file))};`);
  }
  if (exports.hasDefault && !exports.steps.has("default") && !others.has("default")) {
    lines.push(`export { default } from ${quote(file)};`);
  }
  return lines.join("\n");
}

const quote = (text: string): string => JSON.stringify(text);
