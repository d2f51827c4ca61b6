import { AbortSignal, AbortController } from "./abort.ts";
import { Body } from "./body.ts";
import { Headers, type HeadersInit } from "./headers.ts";

/** Members that say how a request would be sent, with their defaults. Here they are only kept. */
const settings = {
  cache: "default",
  credentials: "same-origin",
  destination: "",
  duplex: "half",
  integrity: "",
  keepalive: false,
  mode: "cors",
  redirect: "follow",
  referrer: "about:client",
  referrerPolicy: "",
};

type Settings = { readonly [Key in keyof typeof settings]: unknown };

interface RequestInit extends Partial<Settings> {
  readonly method?: string;
  readonly headers?: HeadersInit;
  readonly body?: unknown;
  readonly signal?: AbortSignal | null;
}

/** `Request` of the Fetch standard, as data. */
export class Request extends Body {
  readonly #method: string;
  readonly #url: string;
  readonly #headers: Headers;
  readonly #signal: AbortSignal;
  readonly #settings: Settings;

  constructor(input: unknown, init: RequestInit = {}) {
    super();
    const from = input instanceof Request ? input : null;
    this.#url = from ? from.url : checkUrl(String(input));
    this.#method = checkMethod(init?.method ?? from?.method ?? "GET");
    this.#headers = new Headers(init?.headers ?? from?.headers);
    this.#settings = { ...(from ? from.#settings : settings), ...pick(init ?? {}) };
    this.#signal = init?.signal ?? from?.signal ?? new AbortController().signal;
    const body = init?.body ?? null;
    if (body !== null && (this.#method === "GET" || this.#method === "HEAD"))
      throw new TypeError("Request with GET/HEAD method cannot have body.");
    this.fill(body ?? from?.hand(), this.#headers);
  }

  static {
    for (const key of Object.keys(settings) as (keyof Settings)[]) {
      Object.defineProperty(Request.prototype, key, {
        configurable: true,
        enumerable: true,
        get(this: Request) {
          return this.#settings[key];
        },
      });
    }
  }

  get method(): string {
    return this.#method;
  }

  get url(): string {
    return this.#url;
  }

  override get headers(): Headers {
    return this.#headers;
  }

  get signal(): AbortSignal {
    return this.#signal;
  }

  clone(): Request {
    const body = this.fork() ?? null;
    const { method } = this;
    return new Request(this.#url, { ...this.#settings, method, headers: this.#headers, signal: this.#signal, body });
  }
}
Object.defineProperty(Request.prototype, Symbol.toStringTag, { value: "Request", configurable: true });

function checkUrl(url: string): string {
  const parsed = new URL(url);
  if (parsed.username !== "" || parsed.password !== "") throw new TypeError(`A request's URL holds no credentials: ${url}`);
  return parsed.href;
}

function checkMethod(method: unknown): string {
  const text = String(method);
  if (!/^[!#$%&'*+\-.^_`|~\dA-Za-z]+$/.test(text) || /^(connect|trace|track)$/i.test(text))
    throw new TypeError(`'${text}' is not a valid HTTP method.`);
  return /^(delete|get|head|options|post|put)$/i.test(text) ? text.toUpperCase() : text;
}

function pick(init: RequestInit): Partial<Settings> {
  const given = (Object.keys(settings) as (keyof Settings)[]).filter((key) => key !== "destination" && init[key] !== undefined);
  return Object.fromEntries(given.map((key) => [key, init[key]]));
}
