import { partNames, type UrlSource } from "./url-source.ts";
import { linkParams, URLSearchParams } from "./url-search-params.ts";
import { usvString } from "./usv-string.ts";

type Part = (typeof partNames)[number];

/** Makes the realm's `URL`. */
export function createUrl(source: UrlSource): object {
  const ask = (operation: string, text: string, argument: string): string[] | null => {
    let answer: string;
    try {
      answer = source(operation, text, argument);
    } catch {
      // Only an exhausted stack can stop the host, and its error is the host's.
      throw new RangeError("Maximum call stack size exceeded");
    }
    return answer === "" ? null : answer.split("\n");
  };
  const parse = (url: unknown, base: unknown): string[] | null =>
    base === undefined ? ask("parse", usvString(url), "") : ask("resolve", usvString(url), usvString(base));

  class URL {
    #parts: readonly string[];
    #params: URLSearchParams | null = null;

    constructor(url: unknown, base?: unknown) {
      const parts = parse(url, base);
      if (!parts) throw Object.assign(new TypeError("Invalid URL"), { code: "ERR_INVALID_URL", input: String(url) });
      this.#parts = parts;
    }

    static canParse(url: unknown, base?: unknown): boolean {
      return parse(url, base) !== null;
    }

    static parse(url: unknown, base?: unknown): URL | null {
      return parse(url, base) ? new URL(url, base) : null;
    }

    static {
      for (const [index, part] of partNames.entries()) {
        const change = (url: URL, value: unknown): void => url.#set(part, usvString(value));
        Object.defineProperty(URL.prototype, part, {
          configurable: true,
          enumerable: true,
          get(this: URL) {
            return this.#parts[index];
          },
          ...(part !== "origin" && {
            set(this: URL, value: unknown) {
              change(this, value);
            },
          }),
        });
      }
    }

    #set(part: Part, value: string): void {
      const parts = ask(part, this.#parts[0] ?? "", value);
      if (!parts && part === "href") throw Object.assign(new TypeError("Invalid URL"), { code: "ERR_INVALID_URL", input: value });
      if (!parts) return;
      this.#parts = parts;
      if (this.#params && (part === "href" || part === "search")) linkParams(this.#params, this.#query(), this.#update);
    }

    #query(): string {
      return this.#parts[partNames.indexOf("search")] ?? "";
    }

    readonly #update = (query: string): void => {
      const parts = ask("search", this.#parts[0] ?? "", query);
      if (parts) this.#parts = parts;
    };

    get searchParams(): URLSearchParams {
      this.#params ??= linkParams(new URLSearchParams(), this.#query(), this.#update);
      return this.#params;
    }

    toString(): string {
      return this.#parts[0] ?? "";
    }

    toJSON(): string {
      return this.#parts[0] ?? "";
    }
  }
  Object.defineProperty(URL.prototype, Symbol.toStringTag, { value: "URL", configurable: true });
  return URL;
}
