import { compile, type CompileResult, type Diagnostic, type Manifest } from "@perdure/compiler";
import { locateModule } from "@perdure/compiler/bundle";
import type { Source } from "./read-source.ts";

/** What a file is compiled for, in the order in which they are shown. */
export const targets = ["host", "workflow"] as const;

export type Target = (typeof targets)[number];

/** The targets in words. */
export const titles: Readonly<Record<Target, string>> = {
  host: "host: what your application loads",
  workflow: "workflow: what workflows run, before bundling",
};

/** A file for all targets. */
export interface Transformed {
  readonly source: Source;
  /** Null when there are errors. */
  readonly outputs: Readonly<Record<Target, CompileResult>> | null;
  readonly manifest: Manifest;
  readonly diagnostics: readonly Diagnostic[];
  /** False for a file in which nothing is marked and nothing is wrong. */
  readonly hasDirectives: boolean;
}

/** Compiles a file as the plugins and the loader do, apart from the specifier of its bundles, which is theirs. */
export function transform(source: Source): Transformed {
  const options = { id: locateModule(source.file).id, filename: source.name, bundles: "virtual:perdure/bundles" };
  const outputs = {
    host: compile(source.code, { ...options, target: "host" }),
    workflow: compile(source.code, { ...options, target: "workflow" }),
  };
  const { manifest } = outputs.workflow;
  const diagnostics = distinct([...outputs.host.diagnostics, ...outputs.workflow.diagnostics]);
  const hasErrors = diagnostics.some(({ severity }) => severity === "error");
  const marked = manifest.steps.length + manifest.workflows.length;
  return { source, outputs: hasErrors ? null : outputs, manifest, diagnostics, hasDirectives: marked + diagnostics.length > 0 };
}

/** Most mistakes are found for both targets. */
function distinct(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  return [...new Map(diagnostics.map((diagnostic) => [JSON.stringify(diagnostic), diagnostic])).values()];
}
