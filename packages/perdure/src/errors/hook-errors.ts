import { PerdureError } from "./perdure-error.ts";

/** No living hook has this token. */
export class HookNotFoundError extends PerdureError {
  static override readonly className = "HookNotFoundError";
  readonly token: string;

  constructor(token: string) {
    super("HOOK_NOT_FOUND", `No living hook has the token "${token}".`);
    this.token = token;
  }
}

/** Another living hook has this token. Raised inside the workflow, where the hook is awaited. */
export class HookConflictError extends PerdureError {
  static override readonly className = "HookConflictError";
  readonly token: string;

  constructor(token: string) {
    super("HOOK_CONFLICT", `Another living hook has the token "${token}".`);
    this.token = token;
  }
}

/** The hook was disposed of: nothing arrives there any more. Raised inside the workflow, where it is awaited. */
export class HookDisposedError extends PerdureError {
  static override readonly className = "HookDisposedError";
  readonly token: string;

  constructor(token: string) {
    super("HOOK_DISPOSED", `The hook with the token "${token}" was disposed of while it was awaited, or before.`);
    this.token = token;
  }
}

/** A payload was sent with `askHook()`, and nobody will reply to it: the workflow did not ask for the means to, disposed of the hook, or has ended. */
export class HookNoReplyError extends PerdureError {
  static override readonly className = "HookNoReplyError";
  readonly runId: string;

  constructor(runId: string, token: string) {
    super("HOOK_NO_REPLY", `The run "${runId}" did not reply to the payload that its hook with the token "${token}" was given.`);
    this.runId = runId;
  }
}

/** What a schema has against a payload. */
export interface PayloadIssue {
  readonly message: string;
  /** Where in the payload: names of members and indexes. Empty: the payload as a whole. */
  readonly path: readonly PropertyKey[];
}

/**
 * A payload does not fit the schema of its hook: raised where it is sent, before anything is delivered. Or it arrived and cannot be read in the workflow:
 * raised where the hook is awaited, with the reason as its `cause`.
 */
export class HookPayloadInvalidError extends PerdureError {
  static override readonly className = "HookPayloadInvalidError";
  readonly issues: readonly PayloadIssue[];

  constructor(message: string, issues: readonly PayloadIssue[], options: { readonly cause?: unknown } = {}) {
    super("HOOK_PAYLOAD_INVALID", message, options);
    this.issues = issues;
  }

  // (`this`: a bundler gives a class that names itself another name.)
  /** What `issues` are about. */
  static ofSchema(issues: readonly PayloadIssue[]): HookPayloadInvalidError {
    const texts = issues.map(({ message, path }) => (path.length > 0 ? `${path.map(String).join(".")}: ${message}` : message));
    return new this(`The payload does not fit the hook's schema: ${texts.join("; ")}.`, issues);
  }

  static unreadable(token: string, cause: unknown): HookPayloadInvalidError {
    const reason = cause instanceof Error ? cause.message : String(cause);
    return new this(`A payload for the hook with the token "${token}" cannot be read in the workflow: ${reason}`, [], {
      cause,
    });
  }
}
