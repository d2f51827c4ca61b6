/** The codes of the errors of {@link transaction}. Stable; each has a section in `docs/errors/world-postgres.md`. */
export type TransactionErrorCode =
  | "NOT_IN_STEP"
  | "TRANSACTION_CONTROL"
  | "TRANSACTION_ENDED"
  | "TRANSACTION_FENCED"
  | "TRANSACTION_NESTED"
  | "TRANSACTION_NO_DATABASE"
  | "TRANSACTION_TABLE_MISSING";

const brand = Symbol.for("perdure.TransactionError");
/** Of the runtime: an error with it ends the step, because another attempt would not mend it. */
const fatalBrand = Symbol.for("perdure.FatalError");

/** Mistakes of the program, which the next attempt would make again. */
const FINAL: ReadonlySet<TransactionErrorCode> = new Set(["TRANSACTION_CONTROL", "TRANSACTION_NESTED", "TRANSACTION_NO_DATABASE"]);

/** An error of {@link transaction}: a stable `code`, what happened, and a `hint` that says what to do. Errors of your own queries arrive as they are. */
export class TransactionError extends Error {
  readonly code: TransactionErrorCode;
  readonly hint: string;

  constructor(code: TransactionErrorCode, message: string, options: { hint: string; cause?: unknown }) {
    super(`${message} ${options.hint}`, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    Object.defineProperty(this, "name", { value: "TransactionError", configurable: true, writable: true });
    Object.defineProperty(this, brand, { value: true });
    if (FINAL.has(code)) Object.defineProperty(this, fatalBrand, { value: true });
  }

  /** Recognises TransactionErrors across realms and duplicate installs. */
  static is(value: unknown): value is TransactionError {
    return typeof value === "object" && value !== null && (value as { [brand]?: unknown })[brand] === true;
  }
}
