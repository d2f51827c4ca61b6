import { bundleWorkflows } from "../bundle/bundle-workflows.ts";
import type { Bundle } from "../bundle/bundle.ts";
import { formatDiagnostic } from "../diagnose/diagnostic.ts";

/**
 * The bundles of a file's workflows, built in the application's own process. The generated `$bundles` modules call it. esbuild's child process is left running, which keeps no
 * process alive: to stop it would also stop it for everybody else in the thread (the application, other loaders), whose calls under way never end then.
 */
export async function loadBundles(file: string): Promise<Record<string, Bundle>> {
  const { bundles, warnings } = await bundleWorkflows(file);
  for (const warning of warnings) process.emitWarning(formatDiagnostic(warning), "PerdureWarning", warning.code);
  return bundles;
}
