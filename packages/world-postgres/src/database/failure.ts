import { WorldError } from "@perdure/world";

/**
 * What is known after a failure. `rolled-back`: nothing was written, the same may succeed later. `unknown`: the connection was lost while the
 * database worked, and it may have committed. `unprepared`: a pooler does not keep prepared statements; nothing was written. `refused`: the statement itself
 * is wrong, or its data.
 */
export type FailureKind = "rolled-back" | "unknown" | "unprepared" | "refused";

/** Thrown when a commit may not be on a standby that it waited for; see {@link watchNotices}. */
export class UnconfirmedCommit extends Error {
  constructor() {
    super("The wait for a synchronous standby was cancelled.");
  }
}

/** A connection that was lost before a commit was asked for: nothing was written, the same may succeed on another one. */
export class RolledBack extends Error {
  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

/** SQLSTATE, https://www.postgresql.org/docs/current/errcodes-appendix.html */
const ROLLED_BACK: Readonly<Record<string, string>> = {
  "40001": "Transactions conflict again and again: look for one that is kept open.",
  "40P01": "Transactions block each other again and again: look for one that is kept open.",
  "55P03": "A lock could not be had: look for a transaction that is kept open.",
  "25006":
    "The server may only be read: it is a standby. Let the address lead to the primary (its name in DNS, a virtual address, a proxy).",
  "53100": "The disk of the server is full: free some space. Nothing was written, and work goes on as soon as there is room.",
  "53200": "The server ran out of memory.",
  "53300": "The server has no connection left: raise max_connections, or use a pooler.",
  "57P03": "The server is starting or shutting down.",
  "57014": "The statement was cancelled: check statement_timeout of the role and the database.",
};

/** Of the server's own making: the whole connection is lost. */
const LOST = new Set(["57P01", "57P02", "57P05", "25P03", "25P04"]);
const UNPREPARED = new Set(["26000", "42P05"]);
const NOT_SENT = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "ENOENT", "EHOSTUNREACH", "ENETUNREACH"]);

export function failureKind(error: unknown): FailureKind {
  if (error instanceof UnconfirmedCommit) return "unknown";
  if (error instanceof RolledBack) return "rolled-back";
  const code = codeOf(error);
  if (code === undefined) return isConnectionLoss(error) ? "unknown" : "refused";
  if (UNPREPARED.has(code)) return "unprepared";
  if (code in ROLLED_BACK || NOT_SENT.has(code)) return "rolled-back";
  if (LOST.has(code) || code.startsWith("08") || !isSqlState(code)) return "unknown";
  return "refused";
}

/** Whether another connection may do better: this one is lost, or leads to a standby or a server that is going away. */
export function spoilsConnection(error: unknown): boolean {
  return error instanceof RolledBack || failureKind(error) === "unknown" || ["25006", "57P03", "53300"].includes(codeOf(error) ?? "");
}

/** A code of PostgreSQL (five characters), or of Node's net module. */
function codeOf(error: unknown): string | undefined {
  if (WorldError.is(error) || typeof error !== "object" || error === null) return undefined;
  const { code } = error as { code?: unknown };
  return typeof code === "string" ? code : undefined;
}

function isSqlState(code: string): boolean {
  return /^[0-9A-Z]{5}$/.test(code) && !/^E[A-Z]+$/.test(code);
}

/** Whether a commit came too late for its transaction: the server had ended an idle one, or the connection was known to be lost and nothing was sent. */
export function isTooLate(error: unknown): boolean {
  return codeOf(error) === "25P03" || (isConnectionLoss(error) && (error as Error).message.includes("not queryable"));
}

/** The driver's own errors have no code. */
function isConnectionLoss(error: unknown): boolean {
  if (WorldError.is(error) || !(error instanceof Error)) return false;
  return /^Connection terminated|^Client has encountered a connection error|not queryable|timeout exceeded when trying to connect/.test(
    error.message,
  );
}

/** The error for a database that cannot be used now. */
export function unavailable(error: unknown): WorldError {
  const reason = error instanceof Error ? error.message || String(codeOf(error)) : String(error);
  const hint = ROLLED_BACK[codeOf(error) ?? ""] ?? "Check that the server runs and can be reached; the same call may succeed later.";
  return new WorldError("WORLD_UNAVAILABLE", `PostgreSQL cannot be used now (${reason}).`, { hint, cause: error });
}

/** Says what to do about errors that a newcomer meets; leaves others as they are. */
export function explain(error: unknown): unknown {
  switch (codeOf(error)) {
    case "42P01":
    case "3F000":
      return new WorldError("WORLD_UNAVAILABLE", "The tables of Perdure are not there.", {
        hint: "Call setup(), or run `npx perdure migrate`.",
        cause: error,
      });
    case "42501":
      return new WorldError("WORLD_UNAVAILABLE", `The database refuses: ${(error as Error).message}.`, {
        hint: "Grant the role what `npx perdure migrate --print` lists.",
        cause: error,
      });
    case "28P01":
    case "28000":
    case "3D000":
      return new WorldError("WORLD_UNAVAILABLE", `The database cannot be entered: ${(error as Error).message}.`, {
        hint: "Check user, password and database in the URL.",
        cause: error,
      });
    default:
      return error;
  }
}
