import { type ManifestPart, createBuildManifest } from "../bundle/build-manifest.ts";

/** The name of the asset that describes an application's workflows and steps: docs/manifest.md. */
const MANIFEST_FILE = "perdure.manifest.json";

interface Asset {
  type: "asset";
  fileName: string;
  source: string;
}

/** Emits the manifest of what was compiled, if that is anything. For hooks in which a bundler takes assets. */
export function emitManifest({ manifests }: { manifests: ReadonlyMap<string, ManifestPart> }, emit: (asset: Asset) => void): void {
  const manifest = createBuildManifest(manifests.values());
  if (manifest.workflows.length + manifest.steps.length === 0) return;
  emit({ type: "asset", fileName: MANIFEST_FILE, source: `${JSON.stringify(manifest, null, 2)}\n` });
}

interface OutputContext {
  emitFile(asset: Asset): unknown;
  /** Vite's. */
  environment?: { config: { consumer: string } };
}

/**
 * The hook that emits the manifest under Rollup, Rolldown and Vite, which take assets there. Browsers have no business with it. It comes
 * after all others: Vite takes the assets of a server out again.
 */
export function manifestHook(state: { manifests: ReadonlyMap<string, ManifestPart> }): {
  generateBundle: { order: "post"; handler(this: OutputContext): void };
} {
  return {
    generateBundle: {
      order: "post",
      handler() {
        if (this.environment?.config.consumer !== "client") emitManifest(state, (asset) => this.emitFile(asset));
      },
    },
  };
}

/** The hook that emits the manifest under the other bundlers. */
export function manifestAtEnd(state: { manifests: ReadonlyMap<string, ManifestPart> }): { buildEnd(this: OutputContext): void } {
  return {
    buildEnd() {
      emitManifest(state, (asset) => this.emitFile(asset));
    },
  };
}
