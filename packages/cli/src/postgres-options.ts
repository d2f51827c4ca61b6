import { type Command, Option } from "commander";
import { exitStatus, Failure, failureOf } from "./failure.ts";

/** Which schema of which database a command is about. */
export interface PostgresOptions {
  readonly world: string;
  readonly schema: string;
}

/** Adds `--world` and `--schema`. */
export function withPostgresOptions(command: Command): Command {
  return command
    .addOption(new Option("--world <url>", "the PostgreSQL database").env("PERDURE_WORLD").makeOptionMandatory())
    .option("--schema <name>", "the schema that holds the tables", "perdure");
}

/** Does something with the database. @throws a Failure for a URL of another kind, and for what the database answers */
export async function onPostgres<T>({ world }: PostgresOptions, work: () => Promise<T>): Promise<T> {
  if (!/^postgres(ql)?:/i.test(world)) {
    const [scheme = ""] = world.split(":");
    throw failureOf("WORLD_NOT_POSTGRES", exitStatus.usage, `"${scheme}:" is not a PostgreSQL database.`);
  }
  try {
    return await work();
  } catch (error) {
    throw failureFor(error);
  }
}

/** Worlds have codes and hints of their own; the driver's errors have neither. */
function failureFor(error: unknown): Failure {
  const { code, hint, message } = error as { readonly code?: unknown; readonly hint?: unknown; readonly message?: unknown };
  if (typeof code === "string" && typeof hint === "string") return new Failure(exitStatus.usage, `${code}: ${String(message)}`);
  return failureOf("DATABASE_REFUSED", exitStatus.usage, `PostgreSQL says: ${String(message || code || error)}.`);
}
