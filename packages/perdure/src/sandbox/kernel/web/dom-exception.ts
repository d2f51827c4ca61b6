/** Names with a number of their own, in its order (Web IDL, section 2.8.1). */
const names = [
  "IndexSizeError",
  "",
  "HierarchyRequestError",
  "WrongDocumentError",
  "InvalidCharacterError",
  "",
  "NoModificationAllowedError",
  "NotFoundError",
  "NotSupportedError",
  "InUseAttributeError",
  "InvalidStateError",
  "SyntaxError",
  "InvalidModificationError",
  "NamespaceError",
  "InvalidAccessError",
  "",
  "TypeMismatchError",
  "SecurityError",
  "NetworkError",
  "AbortError",
  "URLMismatchError",
  "QuotaExceededError",
  "TimeoutError",
  "InvalidNodeTypeError",
  "DataCloneError",
];

/** `DOMException` of Web IDL. An `Error` in every respect, so that it has a stack. */
export class DOMException extends Error {
  readonly #name: string;
  readonly #code: number;

  constructor(message = "", options: string | { readonly name?: string; readonly cause?: unknown } = "Error") {
    const { name = "Error", ...rest } = typeof options === "string" ? { name: options } : options;
    super(String(message), "cause" in rest ? { cause: rest.cause } : undefined);
    this.#name = String(name);
    this.#code = this.#name === "" ? 0 : names.indexOf(this.#name) + 1;
  }

  override get name(): string {
    return this.#name;
  }

  get code(): number {
    return this.#code;
  }
}

for (const [index, name] of names.entries()) {
  if (name === "") continue;
  const constant = `${name
    .replace(/Error$/, "")
    .replace(/([a-z])([A-Z])/g, "$1_$2")
    .toUpperCase()}_ERR`;
  const property = { value: index + 1, enumerable: true };
  Object.defineProperty(DOMException, constant, property);
  Object.defineProperty(DOMException.prototype, constant, property);
}
Object.defineProperty(DOMException.prototype, Symbol.toStringTag, { value: "DOMException", configurable: true });
