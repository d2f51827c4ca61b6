import { type Command, Option } from "commander";
import type { openWorld } from "perdure/runtime";
import { exitStatus, Failure } from "./failure.ts";

/** Where runs are. */
type World = Awaited<ReturnType<typeof openWorld>>;

/** Whose runs a command is about. */
export interface WorldOptions {
  readonly world: string;
  readonly schema?: string;
}

/** Adds `--world` and `--schema`. */
export function withWorldOptions(command: Command): Command {
  return command
    .addOption(new Option("--world <url>", "where the runs are").env("PERDURE_WORLD").default("sqlite:./.perdure/world.db"))
    .option("--schema <name>", "of a PostgreSQL database: the schema that holds the tables");
}

/** Does something in the World, which is closed afterwards. A database is left in the version that it has. @throws a Failure for errors with a code */
export async function inWorld<T>(options: WorldOptions, work: (world: World) => Promise<T>): Promise<T> {
  try {
    const world = await open(options);
    try {
      await world.setup();
      return await work(world);
    } finally {
      await world.close();
    }
  } catch (error) {
    const { code, hint, message } = error as { readonly code?: unknown; readonly hint?: unknown; readonly message?: unknown };
    if (typeof code !== "string" || typeof hint !== "string") throw error;
    throw new Failure(exitStatus.usage, `${code}: ${String(message)}`);
  }
}

async function open({ world: url, schema }: WorldOptions): Promise<World> {
  if (/^postgres(ql)?:/i.test(url)) {
    const { createPostgresWorld } = await import("@perdure/world-postgres");
    return createPostgresWorld({ url, migrate: false, ...(schema !== undefined && { schema }) });
  }
  const runtime = await import("perdure/runtime");
  return runtime.openWorld(url);
}
