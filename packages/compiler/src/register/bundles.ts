import { bundleWorkflows } from "../bundle/bundle-workflows.ts";
import type { Bundle } from "../bundle/bundle.ts";
import { formatDiagnostic } from "../diagnose/diagnostic.ts";
import { withEsbuild } from "./esbuild-lease.ts";

/** The bundles of a file's workflows, built in the application's own process. The generated `$bundles` modules call it. */
export async function loadBundles(file: string): Promise<Record<string, Bundle>> {
  const { bundles, warnings } = await withEsbuild(() => bundleWorkflows(file));
  for (const warning of warnings) process.emitWarning(formatDiagnostic(warning), "PerdureWarning", warning.code);
  return bundles;
}
