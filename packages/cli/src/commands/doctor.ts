import type { Finding } from "@perdure/world-postgres/migrate";
import { Command } from "commander";
import { exitStatus, Failure } from "../failure.ts";
import { onPostgres, type PostgresOptions, withPostgresOptions } from "../postgres-options.ts";
import type { Terminal } from "../terminal.ts";

interface DoctorOptions extends PostgresOptions {
  readonly json?: true;
}

/** `perdure doctor --world <url>`: what is wrong with a database. */
export function doctorCommand(terminal: Terminal): Command {
  return withPostgresOptions(new Command("doctor"))
    .description("Say what is wrong with a PostgreSQL database: its schema, its settings, runs that stand still. Changes nothing.")
    .option("--json", "print one JSON object: { problems, warnings }")
    .action(async (options: DoctorOptions) => {
      const { examinePostgres } = await import("@perdure/world-postgres/migrate");
      const findings = await onPostgres(options, () => examinePostgres({ url: options.world, schema: options.schema }));
      const problems = findings.filter(({ severity }) => severity === "problem");
      const warnings = findings.filter(({ severity }) => severity === "warning");
      if (options.json) terminal.out(`${JSON.stringify({ problems: problems.map(plain), warnings: warnings.map(plain) }, null, 2)}\n`);
      else for (const finding of findings) print(finding, terminal);
      if (problems.length > 0) throw new Failure(exitStatus.mistakes, problems.length === 1 ? "1 problem" : `${problems.length} problems`);
      if (!options.json && warnings.length === 0) terminal.out("Nothing is wrong.\n");
    });
}

function plain({ code, message, hint }: Finding): Omit<Finding, "severity"> {
  return { code, message, hint };
}

function print({ code, severity, message, hint }: Finding, terminal: Terminal): void {
  const name = terminal.style(severity === "problem" ? "bold" : "yellow", code);
  terminal.out(`${name}${severity === "warning" ? " (warning)" : ""}: ${message}\n  ${hint}\n`);
}
