import type { LoadHook, ResolveHook } from "node:module";
import { applicationUrl } from "./application-url.ts";
import { isBundlesUrl } from "./bundles-url.ts";
import { loadSource } from "./load-source.ts";
import { esbuild } from "../required.ts";
import { typescriptUrl } from "./resolve-source.ts";

// The hooks for `module.register`, which Node runs in a thread of their own: for Node 20, which has no synchronous ones.

export const resolve: ResolveHook = (specifier, context, nextResolve) => {
  const virtual = isBundlesUrl(specifier) ? specifier : applicationUrl(specifier, context.parentURL);
  if (virtual !== null) return { url: virtual, format: "module", shortCircuit: true };
  return nextResolve(typescriptUrl(specifier, context.parentURL) ?? specifier, context);
};

export const load: LoadHook = async (url, context, nextLoad) => {
  const loaded = loadSource(url);
  if (loaded === null) return nextLoad(url, context);
  const { format, source, typescript } = loaded;
  const javascript = typescript === null ? source : (await esbuild().transform(source, typescript)).code;
  return { format, source: javascript, shortCircuit: true };
};
