import { Command } from "commander";
import type { Terminal } from "../terminal.ts";
import { onPostgres, type PostgresOptions, withPostgresOptions } from "../postgres-options.ts";

interface MigrateOptions extends PostgresOptions {
  readonly print?: true;
  readonly role?: string;
}

/** `perdure migrate --world <url>`: brings a schema to the newest version, or says how. */
export function migrateCommand(terminal: Terminal): Command {
  return withPostgresOptions(new Command("migrate"))
    .description("Bring the tables in a PostgreSQL database to the version of this release.")
    .option("--print", "print the SQL that would do so, and change nothing")
    .option("--role <name>", "with --print: also the grants of what the role of your workers needs")
    .action(async (options: MigrateOptions, command: Command) => {
      const { world: url, schema, role } = options;
      if (role !== undefined && !options.print) command.error("error: --role is for --print: grants are yours to give.");
      // Loaded only now: other commands need no driver.
      const { migratePostgres, migrationSql } = await import("@perdure/world-postgres/migrate");
      if (options.print) {
        return terminal.out(await onPostgres(options, () => migrationSql({ url, schema, ...(role !== undefined && { role }) })));
      }
      const { from, to } = await onPostgres(options, () => migratePostgres({ url, schema }));
      const done =
        from === to ? `has version ${to} already` : from === 0 ? `was made, with version ${to}` : `went from version ${from} to ${to}`;
      terminal.err(`The schema "${schema}" ${done}.\n`);
    });
}
