import { applicationUrl } from "./application-url.ts";
import { isBundlesUrl } from "./bundles-url.ts";
import { type LoadedSource, loadSource } from "./load-source.ts";
import { esbuild } from "../required.ts";
import { typescriptUrl } from "./resolve-source.ts";

/** The part of `module.registerHooks` (Node 22.15 and later) that we use; the types of Node 20 do not have it. */
export type RegisterHooks = (hooks: {
  resolve: (specifier: string, context: { parentURL?: string }, next: (specifier: string, context: object) => unknown) => unknown;
  load: (url: string, context: object, next: (url: string, context: object) => unknown) => unknown;
}) => void;

// What Node's own type stripping refuses. A false alarm costs one call of esbuild.
const notErasable = /\b(?:enum|namespace|module|private|public|protected|readonly|override)\b|\bimport\s+\w+\s*=|^\s*@\w/m;

/** Installs the synchronous hooks, which run in the application's thread. */
export function installSyncHooks(registerHooks: RegisterHooks): void {
  registerHooks({
    resolve(specifier, context, next) {
      const virtual = isBundlesUrl(specifier) ? specifier : applicationUrl(specifier, context.parentURL);
      if (virtual !== null) return { url: virtual, format: "module", shortCircuit: true };
      return next(typescriptUrl(specifier, context.parentURL) ?? specifier, context);
    },
    load(url, context, next) {
      const loaded = loadSource(url);
      return loaded === null ? next(url, context) : { ...withoutTypes(loaded), shortCircuit: true };
    },
  });
}

/** Leaves the types to Node where it can strip them, so that columns stay as they are. */
function withoutTypes({ format, source, typescript }: LoadedSource): { format: string; source: string } {
  if (typescript === null) return { format, source };
  const isNative = "typescript" in process.features && Boolean(process.features.typescript);
  if (isNative && typescript.loader === "ts" && !notErasable.test(source)) return { format: `${format}-typescript`, source };
  return { format, source: esbuild().transformSync(source, typescript).code };
}
