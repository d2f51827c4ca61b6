/** The codes of the errors that Worlds raise. Stable; each has a page in `docs/errors`. */
export type WorldErrorCode =
  | "WORLD_CLOSED"
  | "WORLD_CORRUPT"
  | "WORLD_NEWER"
  | "WORLD_UNAVAILABLE"
  | "WORLD_INVALID_ARGUMENT"
  | "WORLD_INVARIANT"
  | "RUN_NOT_FOUND"
  | "STREAM_CLOSED";

const brand = Symbol.for("perdure.WorldError");

/** An error of a World: a stable `code`, what happened, and a `hint` that says what to do. */
export class WorldError extends Error {
  readonly code: WorldErrorCode;
  readonly hint: string;

  constructor(code: WorldErrorCode, message: string, options: { hint: string; cause?: unknown }) {
    super(`${message} ${options.hint}`, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    Object.defineProperty(this, brand, { value: true });
  }

  override get name(): string {
    return "WorldError";
  }

  /** Recognises WorldErrors across realms and duplicate installs. */
  static is(value: unknown): value is WorldError {
    return typeof value === "object" && value !== null && (value as { [brand]?: unknown })[brand] === true;
  }
}
