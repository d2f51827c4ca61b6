/**
 * Under Vitest, workflows run from Vitest's own module graph: what they import are the modules that tests import, so that mocks, coverage and breakpoints work. See
 * docs/decisions/0006-vitest.md.
 */
import { readFileSync } from "node:fs";
import type { Plugin, ResolvedConfig, UserConfig } from "vite";
import { compileFile } from "../../bundle/compile-file.ts";
import { locateModule } from "../../bundle/module-location.ts";
import { CompileError } from "../../diagnose/diagnostic.ts";
import { fileOfBundlesId } from "../bundles-module.ts";
import { staleModules } from "../stale-modules.ts";
import { createCoveragePlugin } from "./coverage-plugin.ts";
import { type ModuleExports, type ResolveFile, readModuleExports } from "./module-exports.ts";
import { RUNTIME, bundlesText, exportsId, exportsText, fileOfWorkflowId, parseExportsId } from "./virtual-modules.ts";
import { type ModuleText, buildWorkflowModule } from "./workflow-module.ts";

/** The part of a plugin's context that this file uses. */
interface Context {
  resolve(source: string, importer: string, options: { skipSelf: true }): Promise<{ id: string; external?: unknown } | null>;
  addWatchFile(file: string): void;
}

/** Puts the plugins for Vitest around those that compile and bundle, whose bundles they replace. They do nothing unless Vitest runs. */
export function withVitest(others: readonly Plugin[]): Plugin[] {
  let isActive = false;
  const plugin = createVitestPlugin(() => isActive);
  plugin.configResolved = (config) => {
    isActive = runsVitest(config);
  };
  return [plugin, ...others, createCoveragePlugin(() => isActive)];
}

function createVitestPlugin(isActive: () => boolean): Plugin {
  const inputs = new Map<string, ReadonlySet<string>>();

  async function load(context: Context, id: string): Promise<string | ModuleText | null> {
    const bundled = fileOfBundlesId(id);
    if (bundled !== null) return bundlesText(bundled, compileFile(bundled).manifest.workflows);
    const own = fileOfWorkflowId(id);
    if (own !== null) return buildWorkflowModule(own, await ownExports(context, own));
    const parts = parseExportsId(id);
    if (parts === null) return null;
    const exports = await readModuleExports(parts.file, fileResolver(context));
    inputs.set(id, exports.files);
    for (const file of exports.files) context.addWatchFile(file);
    return exportsText(parts.file, parts.importer, exports);
  }

  return {
    name: "perdure:vitest",
    enforce: "pre",
    config: worldInMemory,
    resolveId: {
      async handler(source, importer) {
        if (!isActive() || importer === undefined) return null;
        return resolve(this as unknown as Context, source, importer);
      },
    },
    load: {
      async handler(id) {
        if (!isActive()) return null;
        try {
          return await load(this as unknown as Context, id);
        } catch (error) {
          // The host target of the same file reports its mistakes.
          if (error instanceof CompileError) return this.error(error.message);
          throw error;
        }
      },
    },
    hotUpdate({ file, modules }) {
      const stale = staleModules(file, inputs, (id) => this.environment.moduleGraph.getModuleById(id));
      return stale.length === 0 ? undefined : [...modules, ...stale];
    },
  };
}

/** Vitest adds a plugin of its own to the configuration that it resolves. */
function runsVitest({ plugins }: ResolvedConfig): boolean {
  return plugins.some(({ name }) => name === "vitest");
}

/** Runs of one test must not be there for the next, nor for those that run beside it: without a setting their World is in memory. */
function worldInMemory(config: UserConfig): { test: { env: Record<string, string> } } | null {
  const { test } = config as { test?: { env?: Record<string, string | undefined> } };
  if (process.env["PERDURE_WORLD"] !== undefined || test?.env?.["PERDURE_WORLD"] !== undefined) return null;
  return { test: { env: { PERDURE_WORLD: "memory:" } } };
}

async function resolve(context: Context, source: string, importer: string): Promise<string | null> {
  if (parseExportsId(source)) return `\0${source}`;
  if (fileOfWorkflowId(source) !== null) return source;
  const virtual = parseExportsId(importer)?.file ?? fileOfBundlesId(importer);
  if (virtual !== null) return source === RUNTIME ? idOf(context, source, virtual) : null;
  const workflow = fileOfWorkflowId(importer);
  const file = workflow ?? importer.replace(/\?.*$/, "");
  if (workflow !== null && source === "perdure/internal") return idOf(context, RUNTIME, file);
  if (!isApplicationModule(file) || (workflow === null && isTest(file))) return null;
  const target = await fileResolver(context)(source, file);
  const exports = target === null ? null : await readModuleExports(target, fileResolver(context));
  if (target !== null && exports !== null && hasCalls(exports, workflow !== null))
    return `\0${exportsId(target, workflow === null ? "module" : "workflow")}`;
  return workflow === null ? null : idOf(context, source, file);
}

function hasCalls({ steps, others }: ModuleExports, isWorkflow: boolean): boolean {
  return steps.size > 0 || (isWorkflow && others.size > 0);
}

async function idOf(context: Context, source: string, importer: string): Promise<string | null> {
  return (await context.resolve(source, importer, { skipSelf: true }))?.id ?? null;
}

function fileResolver(context: Context): ResolveFile {
  return async (specifier, importer) => {
    const found = await context.resolve(specifier, importer, { skipSelf: true });
    return found && !found.external && isApplicationModule(found.id) ? locateModule(found.id).file : null;
  };
}

/** The names that other modules import of a file's compiled workflow code. */
async function ownExports(context: Context, file: string): Promise<string[]> {
  const { others } = await readModuleExports(file, fileResolver(context));
  return [...others.values()].filter((other) => other.file === file).map(({ name }) => name);
}

/** A file of code that Vitest does not leave to Node. */
function isApplicationModule(id: string): boolean {
  return /\.[cm]?[jt]sx?$/.test(id) && !id.includes("/node_modules/") && !id.startsWith("\0");
}

/** Tests, and what helps them, mean the modules themselves: they mock and spy on these. */
function isTest(file: string): boolean {
  const code = readFileSync(file, "utf8");
  return /["']vitest["']|\bvi\s*\./.test(code);
}
