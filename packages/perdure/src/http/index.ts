/** Runs over HTTP: webhooks, streams, health and the manifest, as one function from `Request` to `Response`. See docs/http.md. */
import { WorldError } from "@perdure/world";

import { problem, withoutBody } from "./answers.ts";
import { resolveOptions, type Access, type HandlerOptions, type ResolvedOptions } from "./options.ts";
import { health, manifest } from "./process-routes.ts";
import { namespaceOf, readStream } from "./stream-route.ts";
import { receiveWebhook } from "./webhook-route.ts";

export type { Access, HandlerOptions } from "./options.ts";

/** As Node's server has it. */
const mostHeaderBytes = 16 * 1024;

/**
 * Makes the handler of all routes, to be mounted in any server that speaks `Request` and `Response`. It never rejects.
 *
 *     ANY  <basePath>/webhook/<token>        delivers the request to the workflow that made the webhook
 *     GET  <basePath>/runs/<run id>/stream   ?namespace= &startIndex=   a stream of a run, as bytes or Server-Sent Events
 *     GET  <basePath>/health                 whether this process can do its work
 *     GET  <basePath>/manifest               its workflows and steps
 * @throws INVALID_ARGUMENT
 * @example
 * const handler = createHandler({ authorize: (request, access) => access.kind === "stream" && mayRead(request, access.runId) });
 * app.all("/.well-known/workflow/v1/*", (context) => handler(context.req.raw)); // Hono
 */
export function createHandler(options: HandlerOptions = {}): (request: Request) => Promise<Response> {
  const resolved = resolveOptions(options);
  return async (request) => {
    try {
      return await route(request, resolved);
    } catch (error) {
      return failure(error);
    }
  };
}

async function route(request: Request, options: ResolvedOptions): Promise<Response> {
  if (headerBytes(request.headers) > mostHeaderBytes) return problem(431, "HEADERS_TOO_LARGE", "The headers are too large.");
  const url = new URL(request.url);
  const parts = url.pathname.startsWith(`${options.basePath}/`) ? partsOf(url.pathname.slice(options.basePath.length + 1)) : null;
  if (!parts) return notFound();
  const [kind, name = "", rest] = parts;
  if (kind === "webhook" && parts.length === 2) return receiveWebhook(request, name, options);
  if (kind === "health" && parts.length === 1) return get(request, health);
  if (kind === "manifest" && parts.length === 1) return get(request, () => guarded(request, options, { kind }, () => manifest()));
  if (kind === "runs" && rest === "stream" && parts.length === 3) {
    const access: Access = { kind: "stream", runId: name, namespace: namespaceOf(url) };
    return get(request, () => guarded(request, options, access, () => readStream(request, name, url)));
  }
  return notFound();
}

function notFound(): Response {
  return problem(404, "NOT_FOUND", "There is nothing here.");
}

/** The parts of a path, decoded; null for one that is not well formed. */
function partsOf(path: string): string[] | null {
  try {
    return path.split("/").map(decodeURIComponent);
  } catch {
    return null;
  }
}

/** A route that is read. */
async function get(request: Request, answer: () => Response | Promise<Response>): Promise<Response> {
  switch (request.method) {
    case "GET":
      return answer();
    case "HEAD":
      return withoutBody(await answer());
    case "OPTIONS":
      return new Response(null, { status: 204, headers: { allow: "GET, HEAD, OPTIONS" } });
    default:
      return problem(405, "METHOD_NOT_ALLOWED", "This can only be read.", { allow: "GET, HEAD, OPTIONS" });
  }
}

/** A route for those whom the application lets in. */
async function guarded(
  request: Request,
  { authorize }: ResolvedOptions,
  access: Access,
  answer: () => Response | Promise<Response>,
): Promise<Response> {
  const verdict = authorize ? await authorize(request, access) : false;
  if (verdict === true) return answer();
  return typeof verdict === "object" ? verdict : problem(403, "FORBIDDEN", "This is not for you.");
}

function headerBytes(headers: Headers): number {
  let bytes = 0;
  for (const [name, value] of headers) bytes += name.length + value.length + 4;
  return bytes;
}

/** What went wrong is for the operator; the client learns whether it may try again. */
function failure(error: unknown): Response {
  process.emitWarning(`A request to perdure/http failed: ${String(error)}`, "PerdureWarning");
  if (WorldError.is(error) && (error.code === "WORLD_UNAVAILABLE" || error.code === "WORLD_CLOSED")) {
    return problem(503, "UNAVAILABLE", "The server cannot do this just now. Try again.", { "retry-after": "1" });
  }
  return problem(500, "INTERNAL", "The server failed.");
}
