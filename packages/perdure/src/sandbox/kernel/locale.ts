/**
 * The locale of workflow code is `en-US`, where it names none that is known: the host's may change between two workers of a run.
 */
const fallback = "en-US";

type AnyConstructor = (new (...args: unknown[]) => object) & { supportedLocalesOf?: unknown };
type Method = (this: unknown, ...args: unknown[]) => unknown;

const callable: ReadonlySet<string> = new Set(["Collator", "DateTimeFormat", "NumberFormat"]);

/** The locales that are asked for, and what to take if there is none of them. */
function withFallback(locales: unknown): unknown {
  return locales === undefined ? fallback : [locales, fallback].flat();
}

/** Options of date formats: the time zone is UTC unless one is named. */
function inUtc(options: unknown): object {
  const given = (options ?? {}) as { readonly timeZone?: unknown };
  return given.timeZone === undefined ? { ...given, timeZone: "UTC" } : given;
}

/** Makes everything that would speak the host's language, or its time zone, speak that of all workflow code. */
export function installLocale(): void {
  for (const name of Object.getOwnPropertyNames(Intl)) {
    const constructor = (Intl as unknown as Record<string, unknown>)[name];
    if (typeof constructor !== "function" || !("supportedLocalesOf" in constructor)) continue;
    replace(name, constructor as unknown as AnyConstructor);
  }
  for (const prototype of [Number.prototype, BigInt.prototype]) wrap(prototype, "toLocaleString", 0);
  for (const name of ["toLocaleUpperCase", "toLocaleLowerCase"]) wrap(String.prototype, name, 0);
  wrap(String.prototype, "localeCompare", 1);
  for (const name of ["toLocaleString", "toLocaleDateString", "toLocaleTimeString"]) wrap(Date.prototype, name, 0, inUtc);
}

/** An `Intl` class that knows the fallbacks; its instances are those of the original. */
function replace(name: string, original: AnyConstructor): void {
  const options = name === "DateTimeFormat" ? inUtc : (given: unknown): unknown => given;
  function construct(this: unknown, ...args: unknown[]): object {
    if (!new.target && !callable.has(name)) throw new TypeError(`Constructor Intl.${name} requires 'new'`);
    return Reflect.construct(original, [withFallback(args[0]), options(args[1])], new.target ?? original) as object;
  }
  Object.defineProperty(construct, "name", { value: name, configurable: true });
  Object.defineProperty(construct, "length", { value: original.length, configurable: true });
  Object.defineProperty(construct, "prototype", { value: original.prototype as object });
  Object.defineProperty(construct, "supportedLocalesOf", { value: original.supportedLocalesOf, configurable: true, writable: true });
  Object.defineProperty(original.prototype as object, "constructor", { value: construct, configurable: true, writable: true });
  Object.defineProperty(Intl, name, { value: construct, configurable: true, writable: true });
}

/** @param at which argument names the locales; the next one are the options */
function wrap(prototype: object, name: string, at: number, options: (given: unknown) => unknown = (given) => given): void {
  const original = (prototype as Record<string, unknown>)[name] as Method;
  const value = {
    [name](this: unknown, ...args: unknown[]): unknown {
      const before = args.slice(0, at);
      while (before.length < at) before.push(undefined);
      return original.call(this, ...before, withFallback(args[at]), options(args[at + 1]));
    },
  }[name];
  Object.defineProperty(prototype, name, { value, configurable: true, writable: true });
}
