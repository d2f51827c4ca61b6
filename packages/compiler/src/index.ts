export { type CompileOptions, type CompileResult, compile } from "./compile.ts";
export { type CatalogueEntry, type DiagnosticCode, catalogue } from "./diagnose/catalogue.ts";
export { CompileError, type Diagnostic, formatDiagnostic } from "./diagnose/diagnostic.ts";
export type { Position } from "./diagnose/position.ts";
export type { GraphNode, WorkflowGraph } from "./graph/graph.ts";
export type { Manifest, ManifestEntry, StepEntry, WorkflowEntry } from "./manifest.ts";
export type { Signature, SignatureParameter } from "./signature/signature.ts";
export { directivePattern, mayHaveDirectives } from "./parse/pre-filter.ts";
