import type { SourceMap } from "magic-string";
import type { ManifestPart } from "../bundle/build-manifest.ts";
import { type DeclaredIds, createDeclaredIds } from "../bundle/declared-ids.ts";
import { fileKey } from "../bundle/file-key.ts";
import type { Renames } from "../renames/former-ids.ts";
import type { Application } from "./application-module.ts";
import type { PluginOptions } from "./plugin-options.ts";

/** A module of bundles that was loaded. */
export interface LoadedBundles {
  /** The file with the workflows. */
  file: string;
  /** The files that the bundles came from, by `fileKey`. */
  inputs: ReadonlySet<string>;
  /** What the bundler was given. */
  code: string;
}

/** What watches files for a bundler: the context of its hooks. */
export interface Watcher {
  addWatchFile(file: string): void;
}

/** What the parts of one plugin instance share, and what an adapter does in its bundler's own way. */
export interface PluginState {
  conditions: string[];
  shared: readonly string[];
  include: readonly string[];
  renames: Renames;
  /** The folder that ids of virtual modules are relative to. */
  folder: string;
  /** The folder from which the application's package is looked for. */
  root: string;
  /** Modules of bundles by their id. */
  bundles: Map<string, LoadedBundles>;
  /** What `virtual:perdure` was last, if it was loaded. */
  application: Application | null;
  declared: DeclaredIds;
  /** For each file with workflows or steps, its part of the application's manifest. */
  manifests: Map<string, ManifestPart>;
  /** Whether the bundler leaves out modules that it takes for unneeded. */
  shakesTree: boolean;
  /** Makes the bundler load a module again when one of these files changes. */
  watchFiles(watcher: Watcher, files: readonly string[]): void;
  /** Makes the bundler load a module again when a file appears in one of these folders, or goes. */
  watchFolders(watcher: Watcher, folders: readonly string[]): void;
  /** Adds to compiled code what the bundler needs to find its source map. */
  finish(code: string, map: SourceMap, file: string): string;
}

export function createState(options: PluginOptions | undefined): PluginState {
  return {
    conditions: [...(options?.conditions ?? [])],
    shared: options?.shared ?? [],
    include: options?.include ?? ["."],
    renames: options?.renames ?? {},
    folder: process.cwd(),
    root: process.cwd(),
    bundles: new Map(),
    application: null,
    declared: createDeclaredIds(),
    manifests: new Map(),
    shakesTree: true,
    watchFiles: (watcher, files) => files.forEach((file) => watcher.addWatchFile(file)),
    watchFolders: () => {},
    finish: (code) => code,
  };
}

/** Takes note of a module of bundles that was made. */
export function rememberBundles(state: PluginState, id: string, made: GeneratedBundles): void {
  const { file, inputs, code, manifest } = made;
  state.bundles.set(id, { file, inputs: new Set(inputs.map((input) => fileKey(input))), code });
  state.manifests.set(file, manifest);
}

interface GeneratedBundles {
  file: string;
  inputs: readonly string[];
  code: string;
  manifest: ManifestPart;
}
