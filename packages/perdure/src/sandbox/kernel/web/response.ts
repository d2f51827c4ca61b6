import { Body } from "./body.ts";
import { Headers, type HeadersInit } from "./headers.ts";

interface ResponseInit {
  readonly status?: number;
  readonly statusText?: string;
  readonly headers?: HeadersInit;
}

/** Without a body by definition. */
const bodiless: ReadonlySet<number> = new Set([101, 103, 204, 205, 304]);

/** `Response` of the Fetch standard, as data. */
export class Response extends Body {
  readonly #status: number;
  readonly #statusText: string;
  readonly #headers: Headers;
  #type = "default";

  constructor(body: unknown = null, init: ResponseInit = {}) {
    super();
    const { status = 200, statusText = "", headers } = init ?? {};
    this.#status = Math.trunc(Number(status));
    if (!(this.#status >= 200 && this.#status <= 599)) throw new RangeError(`A response's status is 200 to 599, not ${String(status)}.`);
    this.#statusText = String(statusText);
    if (/[^\t -~\x80-\xff]/.test(this.#statusText)) throw new TypeError("Invalid statusText");
    this.#headers = new Headers(headers);
    if (body !== null && body !== undefined && bodiless.has(this.#status))
      throw new TypeError(`A response with status ${this.#status} has no body.`);
    this.fill(body, this.#headers);
  }

  static error(): Response {
    const response = new Response();
    response.#type = "error";
    return response;
  }

  static json(data: unknown, init: ResponseInit = {}): Response {
    const text = JSON.stringify(data) as string | undefined;
    if (text === undefined) throw new TypeError("Value is not JSON serializable");
    const headers = new Headers(init?.headers);
    if (!headers.has("content-type")) headers.set("content-type", "application/json");
    return new Response(text, { ...init, headers });
  }

  static redirect(url: unknown, status = 302): Response {
    if (![301, 302, 303, 307, 308].includes(status)) throw new RangeError(`Invalid status code ${status}`);
    return new Response(null, { status, headers: { location: String(new URL(String(url))) } });
  }

  get status(): number {
    return this.#type === "error" ? 0 : this.#status;
  }

  get ok(): boolean {
    return this.status >= 200 && this.status < 300;
  }

  get statusText(): string {
    return this.#statusText;
  }

  override get headers(): Headers {
    return this.#headers;
  }

  get type(): string {
    return this.#type;
  }

  get url(): string {
    return "";
  }

  get redirected(): boolean {
    return false;
  }

  clone(): Response {
    const copy = new Response(this.fork(), { status: this.#status, statusText: this.#statusText, headers: this.#headers });
    copy.#type = this.#type;
    return copy;
  }
}
Object.defineProperty(Response.prototype, Symbol.toStringTag, { value: "Response", configurable: true });
