import { warnOf } from "../warning.ts";
import type { PgSource } from "./source.ts";

/** After how long somebody who waits for a server wants to know what for. */
const SILENT_MS = 2000;

/** Opens a server and, when that takes long, tells what it waits for. @param open calls `attempt` for each try */
export async function toldOfWaiting<T>(
  source: PgSource,
  open: (attempt: <R>(work: () => Promise<R>) => Promise<R>) => Promise<T>,
): Promise<T> {
  let reason = "no answer";
  const timer = setTimeout(() => {
    const address = addressOf(source);
    warnOf("SERVER_UNREACHED", `PostgreSQL${address === "" ? "" : ` at ${address}`} is not there yet (${reason}).`, address);
  }, SILENT_MS);
  try {
    return await open(async (work) => {
      try {
        return await work();
      } catch (error) {
        reason = (error as Error).message || String((error as { code?: unknown }).code);
        throw error;
      }
    });
  } finally {
    clearTimeout(timer);
  }
}

/** Host and port as they were given, without what is secret; empty when they are not known. */
function addressOf({ connection }: PgSource): string {
  const { host, port, connectionString } = connection ?? {};
  if (connectionString === undefined) return host === undefined ? "" : `${host}:${port ?? 5432}`;
  try {
    return new URL(connectionString).host;
  } catch {
    return "";
  }
}
