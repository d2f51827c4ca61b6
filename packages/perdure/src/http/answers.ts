/** What the handler says itself: JSON that names a code and says no more than the client must know. */

/** Codes of the handler's own; those of the runtime (`HOOK_NOT_FOUND`, `RUN_NOT_FOUND` …) are passed on where a client can do something about them. */
type HttpProblem =
  | "BAD_REQUEST"
  | "FORBIDDEN"
  | "NOT_FOUND"
  | "METHOD_NOT_ALLOWED"
  | "BODY_TOO_LARGE"
  | "HEADERS_TOO_LARGE"
  | "CLIENT_CLOSED"
  | "INTERNAL"
  | "UNAVAILABLE";

const ownHeaders = { "cache-control": "no-store", "x-content-type-options": "nosniff" };

export function json(value: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(`${JSON.stringify(value)}\n`, {
    status,
    headers: { "content-type": "application/json; charset=utf-8", ...ownHeaders, ...headers },
  });
}

/** An error, as all routes answer with it: `{ error: { code, message } }`. */
export function problem(
  status: number,
  code: HttpProblem | "HOOK_NOT_FOUND" | "HOOK_NO_REPLY" | "RUN_NOT_FOUND" | "TIMED_OUT",
  message: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return json({ error: { code, message } }, status, headers);
}

/** The same response to HEAD: without its body. */
export async function withoutBody(response: Response): Promise<Response> {
  await response.body?.cancel();
  return new Response(null, { status: response.status, headers: response.headers });
}
