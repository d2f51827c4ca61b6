import { catalogue, type PerdureErrorCode } from "./catalogue.ts";

const brand = Symbol.for("perdure.PerdureError");

/** What all errors of the runtime have in common: a stable `code`, what happened (`message`), what to do (`hint`). */
export class PerdureError extends Error {
  readonly code: PerdureErrorCode;
  readonly hint: string;

  /** @param options.isBrief leaves the hint out of the message, where that holds another error's */
  constructor(code: PerdureErrorCode, message: string, options: { readonly cause?: unknown; readonly isBrief?: boolean } = {}) {
    const hint: string = catalogue[code];
    super(options.isBrief ? message : `${message} ${hint}`, "cause" in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.hint = hint;
    Object.defineProperty(this, "name", { value: new.target.className, configurable: true, writable: true });
    Object.defineProperty(this, brand, { value: new.target.className });
  }

  /** The class's name: survives minification, other realms and duplicate installs. */
  static readonly className: string = "PerdureError";

  /** Recognises instances of this class and its subclasses, across realms and duplicate installs. */
  static is<E extends PerdureError>(this: { readonly prototype: E; readonly className: string }, value: unknown): value is E {
    if (typeof value !== "object" || value === null) return false;
    const name = (value as { [brand]?: unknown })[brand];
    return typeof name === "string" && (this.className === "PerdureError" || name === this.className);
  }
}
