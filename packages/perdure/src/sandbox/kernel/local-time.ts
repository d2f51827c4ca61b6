/**
 * Local time of workflow code is UTC. The host's time zone may change between two workers of a run, and `getHours()` with it.
 */
const parts = ["Date", "Day", "FullYear", "Hours", "Milliseconds", "Minutes", "Month", "Seconds"] as const;
const native = Date;

type Method = (this: Date, ...args: unknown[]) => unknown;

/** Makes the methods of dates that speak of local time speak of UTC. */
export function installLocalTime(): void {
  const methods = Date.prototype as unknown as Record<string, Method>;
  for (const part of parts) {
    define(`get${part}`, methods[`getUTC${part}`] as Method);
    if (part !== "Day") define(`set${part}`, methods[`setUTC${part}`] as Method);
  }
  define("getTimezoneOffset", function () {
    return isValid(this) ? 0 : Number.NaN;
  });
  define("getYear", function () {
    return this.getUTCFullYear() - 1900;
  });
  define("setYear", function (year) {
    const number = Math.trunc(Number(year));
    return this.setUTCFullYear(number >= 0 && number <= 99 ? number + 1900 : number);
  });
  define("toString", function () {
    return isValid(this) ? `${dateText(this)} ${timeText(this)}` : "Invalid Date";
  });
  define("toDateString", function () {
    return isValid(this) ? dateText(this) : "Invalid Date";
  });
  define("toTimeString", function () {
    return isValid(this) ? timeText(this) : "Invalid Date";
  });
}

function define(name: string, method: Method): void {
  const named = { [name](this: Date, ...args: unknown[]) { return method.apply(this, args); } }[name]; // prettier-ignore
  const prototype: object = Date.prototype;
  Object.defineProperty(prototype, name, { value: named, configurable: true, writable: true });
}

const isValid = (date: Date): boolean => !Number.isNaN(date.getTime());

/** `Sun, 13 Sep 2020 12:26:40 GMT` in other order. */
function dateText(date: Date): string {
  const [weekday = "", day, month, year] = date.toUTCString().split(" ");
  return `${weekday.slice(0, 3)} ${month} ${day} ${year}`;
}

function timeText(date: Date): string {
  return `${date.toUTCString().split(" ")[4]} GMT+0000 (Coordinated Universal Time)`;
}

/** The arguments of `new Date()` such that what they say of local time is meant as UTC. */
export function dateArguments(args: readonly unknown[]): unknown[] {
  if (args.length > 1) return [native.UTC(...(args as [number, number]))];
  const [value] = args.map(primitiveOf);
  return [typeof value === "string" ? parseUtc(value) : value];
}

/** ECMA-262, ToPrimitive; dates are copied to the millisecond by their number. */
function primitiveOf(value: unknown): unknown {
  if (value instanceof native) return value.getTime();
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return value;
  const { [Symbol.toPrimitive]: exotic } = value as { [Symbol.toPrimitive]?: (hint: string) => unknown };
  if (exotic) return exotic.call(value, "default");
  const number: unknown = (value as object).valueOf();
  return typeof number === "object" || typeof number === "function" ? String(value) : number;
}

const isoDate = /^[+-]?\d{4,6}(?:-\d\d){0,2}$/;
const isoTime = /^[+-]?\d{4,6}(?:-\d\d){0,2}T\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?$/;
const zoned = /\b(?:UTC?|GMT|Z|[ECMP][SD]T)\b|\dZ|:\d\d\S*\s*[+-]\d{1,2}:?\d{0,2}\s*(?:\(.*\)\s*)?$/i;

/** `Date.parse`, where a time without a zone is UTC. */
export function parseUtc(text: string): number {
  const time = native.parse(text);
  if (Number.isNaN(time) || isoDate.test(text)) return time;
  if (isoTime.test(text)) return native.parse(`${text}Z`);
  return zoned.test(text) ? time : native.parse(`${text} UTC`);
}
