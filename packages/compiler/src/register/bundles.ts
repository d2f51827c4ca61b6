import { bundleWorkflows } from "../bundle/bundle-workflows.ts";
import type { Bundle } from "../bundle/bundle.ts";
import { withEsbuild } from "./esbuild-lease.ts";

/** The bundles of a file's workflows, built in the application's own process. The generated `$bundles` modules call it. */
export async function loadBundles(file: string): Promise<Record<string, Bundle>> {
  const { bundles } = await withEsbuild(() => bundleWorkflows(file));
  return bundles;
}
