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
