import path from "node:path";
import type { Metafile } from "esbuild";
import type { Diagnostic } from "../diagnose/diagnostic.ts";
import { mainOutput } from "./build-parts.ts";
import { includedIn, specifierRange } from "./check-bundle.ts";
import { chainTo } from "./import-chain.ts";
import { locateModule } from "./module-location.ts";
import type { StateUse } from "./shared-imports.ts";
import { diagnosticIn } from "./source-diagnostic.ts";
import { ENTRY } from "./workflow-modules.ts";

/** The code of one package, in bytes, from which on a warning is due. Why a size, and this one: docs/decisions/0012-shared-packages.md */
const HEAVY = 100 * 1024;

interface Input {
  /** The name of the workflow. */
  workflow: string;
  index: number;
  root: string;
  metafile: Metafile;
  state: readonly StateUse[];
}

/** Packages that every run of a workflow evaluates anew although there is much of them. */
export function findHeavyPackages({ workflow, index, root, metafile, state }: Input): Diagnostic[] {
  const packages = new Map<string, { size: number; file: string }>();
  for (const [file, { bytesInOutput }] of Object.entries(metafile.outputs[mainOutput(index)]?.inputs ?? {})) {
    const owner = file.startsWith(`${ENTRY}:`) ? null : locateModule(path.resolve(root, file));
    if (owner === null || owner.root === root) continue;
    const found = packages.get(owner.name) ?? { size: 0, file };
    packages.set(owner.name, { ...found, size: found.size + bytesInOutput });
  }
  return [...packages].flatMap(([name, { size, file }]) => {
    if (size <= HEAVY) return [];
    const chain = chainTo(metafile, `${ENTRY}:${index}`, file, includedIn(metafile, index));
    const importer = chain.findLast((one) => locateModule(path.resolve(root, one)).root === root) ?? "";
    const next = chain[chain.indexOf(importer) + 1];
    const specifier = metafile.inputs[importer]?.imports.find((one) => one.path === next)?.original ?? name;
    const uses = state.filter(({ packageName }) => packageName === name).map((use) => use.name);
    const reason = uses.length === 0 ? "" : ` It is not shared, because the workflow uses ${uses[0]}, which is state of its modules.`;
    const parameters = { package: name, kilobytes: String(Math.round(size / 1024)), workflow, reason };
    return [
      diagnosticIn(path.resolve(root, importer), (source) => ({
        code: "HEAVY_PACKAGE",
        range: specifierRange(source, specifier),
        parameters,
      })),
    ];
  });
}
