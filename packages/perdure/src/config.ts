/** The one place that reads the environment and names Worlds. */
import type { World } from "@perdure/world";

import { defaultMaxBytes } from "./codec/size.ts";
import { PerdureError } from "./errors/perdure-error.ts";

/** `PERDURE_WORLD`: a URL that says where runs are stored. */
export function worldUrl(): string {
  return process.env.PERDURE_WORLD ?? "sqlite:./.perdure/world.db";
}

/**
 * `PERDURE_WORKER=off`: this process starts and resumes runs and executes none, unless it calls `startWorker()`.
 * @throws INVALID_CONFIGURATION
 */
export function workerWanted(): boolean {
  const value = process.env.PERDURE_WORKER ?? "on";
  if (value === "on" || value === "off") return value === "on";
  throw new PerdureError("INVALID_CONFIGURATION", `PERDURE_WORKER is "${value}"; it must be "on" or "off".`);
}

const leastValueBytes = 1024;
const mostValueBytes = 256 * 1024 * 1024;

/**
 * `PERDURE_MAX_VALUE_BYTES`: how many bytes a value of the runs that this process starts may take as stored, and what it sends to hooks. Default 8 MiB.
 * @throws INVALID_CONFIGURATION
 */
export function maxValueBytes(): number {
  const text = process.env.PERDURE_MAX_VALUE_BYTES;
  if (text === undefined) return defaultMaxBytes;
  const bytes = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (bytes >= leastValueBytes && bytes <= mostValueBytes) return bytes;
  throw new PerdureError(
    "INVALID_CONFIGURATION",
    `PERDURE_MAX_VALUE_BYTES is "${text}"; it must be a whole number from ${leastValueBytes} to ${mostValueBytes}.`,
  );
}

/** Where the handler of `perdure/http` answers, unless it is told otherwise; as in Vercel's `workflow` package, so that addresses and the rules of proxies stay. */
export const defaultBasePath = "/.well-known/workflow/v1";

/**
 * `PERDURE_URL`: where the handler of `perdure/http` is reached from outside, origin and base path, or the origin alone if it answers under {@link defaultBasePath}. Without a slash at
 * its end; null if it is not set.
 * @throws INVALID_CONFIGURATION
 */
export function publicUrl(): string | null {
  const value = process.env.PERDURE_URL;
  if (value === undefined || value === "") return null;
  const url = URL.canParse(value) ? new URL(value) : null;
  if (!url || !/^https?:$/.test(url.protocol) || url.search + url.hash + url.username + url.password !== "") {
    throw new PerdureError(
      "INVALID_CONFIGURATION",
      `PERDURE_URL is "${redact(value)}"; it must be an http or https URL without credentials, query and fragment, such as "https://shop.example".`,
    );
  }
  const path = url.pathname.replace(/\/+$/, "");
  return url.origin + (path === "" ? defaultBasePath : path);
}

/** Opens the World of a URL; its package is loaded only now. @throws WORLD_UNKNOWN_SCHEME, WORLD_PACKAGE_MISSING */
export async function openWorld(url: string): Promise<World> {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase();
  switch (scheme) {
    case "sqlite": {
      const { createSqliteWorld } = await load("@perdure/world-sqlite", () => import("@perdure/world-sqlite"));
      return createSqliteWorld({ path: url.slice("sqlite:".length) });
    }
    case "memory": {
      const { createMemoryWorld } = await import("@perdure/world/memory");
      return createMemoryWorld();
    }
    case "postgres":
    case "postgresql": {
      const { createPostgresWorld } = await load("@perdure/world-postgres", () => import("@perdure/world-postgres"));
      return createPostgresWorld({ url });
    }
    default:
      throw new PerdureError("WORLD_UNKNOWN_SCHEME", `PERDURE_WORLD is "${redact(url)}", which names no World that Perdure knows.`);
  }
}

async function load<T>(name: string, importer: () => Promise<T>): Promise<T> {
  try {
    return await importer();
  } catch (cause) {
    if ((cause as { code?: unknown }).code !== "ERR_MODULE_NOT_FOUND") throw cause;
    throw new PerdureError("WORLD_PACKAGE_MISSING", `PERDURE_WORLD needs the package ${name}: npm install ${name}.`, { cause });
  }
}

/** A URL without its password. */
function redact(url: string): string {
  return url.replace(/^([a-z+.-]+:\/\/[^:/@]*):[^@]*@/i, "$1:…@");
}
