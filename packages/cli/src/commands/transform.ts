import { type Diagnostic, formatDiagnostic } from "@perdure/compiler";
import { Command, Option } from "commander";
import { exitStatus, Failure } from "../failure.ts";
import type { Terminal } from "../terminal.ts";
import { listManifest } from "../transform/list-manifest.ts";
import { readSource } from "../transform/read-source.ts";
import { printSideBySide, roomForTwo } from "../transform/side-by-side.ts";
import { type Target, targets, titles, transform, type Transformed } from "../transform/transform.ts";

interface TransformOptions {
  readonly target?: Target;
  readonly manifest?: true;
  readonly json?: true;
}

/** `perdure transform <file>`: what the compiler makes of a file. */
export function transformCommand(terminal: Terminal): Command {
  return new Command("transform")
    .description("Print what the compiler makes of a file: for the host, which is your application, and for the workflow bundle.")
    .argument("<file>", "a JavaScript or TypeScript file")
    .addOption(new Option("--target <target>", "print the code of one target and nothing else").choices(targets))
    .option("--manifest", "print the steps and workflows with their ids instead of the code")
    .option("--json", "print one JSON object: { host, workflow, manifest, diagnostics }")
    .action((file: string, options: TransformOptions) => {
      const result = transform(readSource(file));
      print(result, options, terminal);
      conclude(result.diagnostics, terminal);
    });
}

function print(result: Transformed, options: TransformOptions, terminal: Terminal): void {
  if (options.json) return terminal.out(`${JSON.stringify(jsonOf(result, options), null, 2)}\n`);
  if (result.outputs === null) return;
  if (options.manifest) return terminal.out(listManifest(result));
  if (options.target) return terminal.out(result.outputs[options.target].code);
  if (!result.hasDirectives) return explainOrdinaryFile(result, terminal);
  if (roomForTwo(terminal.columns)) return printSideBySide(result, terminal, terminal.columns);
  for (const target of targets) printAlone(result, target, terminal);
}

/** With mistakes there is no code: `host` and `workflow` are null. */
function jsonOf({ outputs, manifest, diagnostics }: Transformed, { target, manifest: only }: TransformOptions): unknown {
  if (only) return manifest;
  const wanted = targets.filter((name) => target === undefined || target === name);
  return { ...Object.fromEntries(wanted.map((name) => [name, outputs?.[name].code ?? null])), manifest, diagnostics };
}

function printAlone({ outputs }: Transformed, target: Target, terminal: Terminal): void {
  if (outputs === null) return;
  const rule = "─".repeat(Math.max(2, (terminal.columns ?? 80) - titles[target].length - 4));
  terminal.out(`${terminal.style("bold", `── ${titles[target]} ${rule}`)}\n\n${outputs[target].code.trimEnd()}\n\n`);
}

function explainOrdinaryFile({ outputs, source }: Transformed, terminal: Terminal): void {
  terminal.err(`There is no "use workflow" or "use step" in ${source.name}: your application loads it as it is.\n`);
  if (outputs === null || outputs.workflow.code === source.code) return;
  terminal.err("In the bundle of a workflow that imports it, it becomes this, and what the workflow does not use falls away:\n\n");
  terminal.out(outputs.workflow.code);
}

function conclude(diagnostics: readonly Diagnostic[], terminal: Terminal): void {
  if (diagnostics.length === 0) return;
  const text = diagnostics.map(formatDiagnostic).join("\n\n");
  const errors = diagnostics.filter(({ severity }) => severity === "error").length;
  if (errors > 0) throw new Failure(exitStatus.mistakes, `${text}\n\n${errors === 1 ? "1 error" : `${errors} errors`}`);
  terminal.err(`${text}\n`);
}
