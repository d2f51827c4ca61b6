import { defaultBasePath } from "../config.ts";
import { durationMs, type Duration } from "../duration.ts";
import { PerdureError } from "../errors/perdure-error.ts";

/** What a client wants to see that is not for everybody. */
export type Access =
  /** A stream of a run; `runId` is what the client calls it, the run's own id or the one that `start()` was given. */
  | { readonly kind: "stream"; readonly runId: string; readonly namespace: string }
  /** Which workflows and steps this process has. */
  | { readonly kind: "manifest" };

export interface HandlerOptions {
  /** The path under which the routes are. Default `/.well-known/workflow/v1`. `PERDURE_URL` must end with it. */
  readonly basePath?: string;
  /**
   * Says who may read runs' streams and the manifest: `true` lets the request pass, `false` is answered with 403, a `Response` is the answer (401, a redirection). Without it nobody
   * may. Webhooks and health are for everybody.
   */
  readonly authorize?: (request: Request, access: Access) => boolean | Response | Promise<boolean | Response>;
  /** The largest body of a webhook's request, in bytes. Default 1,048,576. */
  readonly maxBodyBytes?: number;
  /** How long a webhook that answers itself may take. Default 30 seconds. */
  readonly replyTimeout?: Duration;
}

export type ResolvedOptions = Required<Omit<HandlerOptions, "authorize">> & Pick<HandlerOptions, "authorize">;

/** @throws INVALID_ARGUMENT */
export function resolveOptions(options: HandlerOptions): ResolvedOptions {
  const { basePath = defaultBasePath, maxBodyBytes = 1024 * 1024, replyTimeout = "30s", authorize } = options;
  durationMs(replyTimeout);
  const path = typeof basePath === "string" ? basePath.replace(/\/+$/, "") : "?";
  if (!/^(?:\/[\w.~!$&'()*+,;=:@%-]+)*$/.test(path)) refuse("basePath", basePath, 'a path such as "/workflows"');
  if (!Number.isSafeInteger(maxBodyBytes) || maxBodyBytes < 0) refuse("maxBodyBytes", maxBodyBytes, "a whole number of bytes");
  if (authorize !== undefined && typeof authorize !== "function") refuse("authorize", authorize, "a function");
  return { basePath: path, maxBodyBytes, replyTimeout, ...(authorize && { authorize }) };
}

function refuse(name: string, value: unknown, what: string): never {
  throw new PerdureError("INVALID_ARGUMENT", `createHandler({ ${name} }) is ${JSON.stringify(value)}; it must be ${what}.`);
}
