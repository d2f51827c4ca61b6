export { type BuildManifest, type BuiltWorkflow, type ManifestPart, createBuildManifest } from "./build-manifest.ts";
export type { Bundle } from "./bundle.ts";
export { type BundleOptions, type BundledWorkflows, bundleWorkflows } from "./bundle-workflows.ts";
export { type ModuleLocation, locateModule } from "./module-location.ts";
export { type DirectiveModules, type ScanOptions, findDirectiveModules } from "../scan/find-directive-modules.ts";
