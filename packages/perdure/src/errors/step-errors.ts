import { PerdureError } from "./perdure-error.ts";

const fatalBrand = Symbol.for("perdure.FatalError");
const retryableBrand = Symbol.for("perdure.RetryableError");

/** Thrown by a step that must not be tried again: the step fails at once. */
export class FatalError extends Error {
  readonly fatal = true;

  constructor(message?: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    Object.defineProperty(this, "name", { value: "FatalError", configurable: true, writable: true });
    Object.defineProperty(this, fatalBrand, { value: true });
  }

  /** Recognises FatalErrors across realms and duplicate installs. */
  static is(value: unknown): value is FatalError {
    return typeof value === "object" && value !== null && fatalBrand in value;
  }
}

/** Thrown by a step that wants its next attempt at a certain time. Counts as an attempt. */
export class RetryableError extends Error {
  /** When the next attempt may start. */
  readonly retryAfter: Date;

  /** @param options.retryAfter milliseconds from now, or a time. Default: 1,000 ms. */
  constructor(message?: string, options: { readonly retryAfter?: number | Date; readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    Object.defineProperty(this, "name", { value: "RetryableError", configurable: true, writable: true });
    Object.defineProperty(this, retryableBrand, { value: true });
    const after = options.retryAfter ?? 1000;
    this.retryAfter = typeof after === "number" ? new Date(Date.now() + after) : after;
  }

  /** Recognises RetryableErrors across realms and duplicate installs. */
  static is(value: unknown): value is RetryableError {
    return typeof value === "object" && value !== null && retryableBrand in value;
  }
}

/** A value cannot be stored. `path` says where in the value: `args[0].callback`, `result.items[3]`. */
export class SerializationError extends PerdureError {
  static override readonly className = "SerializationError";
  readonly path: string;

  constructor(path: string, what: string) {
    super("SERIALIZATION_FAILED", `\`${path}\` ${what}`);
    this.path = path;
  }
}

/** A value takes more bytes than may be stored. `path` says what takes most of them. */
export class ValueTooLargeError extends PerdureError {
  static override readonly className = "ValueTooLargeError";
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** Bytes. */
  readonly limit: number;

  constructor(path: string, size: number, limit: number, of?: string) {
    super(
      "VALUE_TOO_LARGE",
      `\`${path}\`${of === undefined ? "" : ` of ${of}`} takes ${size} bytes as stored, more than the ${limit} that are allowed.`,
    );
    this.path = path;
    this.size = size;
    this.limit = limit;
  }
}
