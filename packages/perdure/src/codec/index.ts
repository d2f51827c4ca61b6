/**
 * Values as text. The same code runs on the host and inside the sandbox, so that both sides exchange strings and every value that
 * workflow code sees has been through it, live as on replay.
 *
 * The text's first character is its format: `j` JSON, for values that JSON keeps exactly; `d` devalue, for the rest (Date, Map, Set,
 * BigInt, undefined, NaN, -0, typed arrays, RegExp, cycles and shared references, errors). The text never holds a NUL or a lone surrogate.
 */
import { DevalueError, parse, stringify } from "devalue";

import { SerializationError } from "../errors/step-errors.ts";
import { errorOfRecord, isError, recordOfError, type ErrorRecord } from "./error-values.ts";
import { isPlainJson } from "./plain-json.ts";

const undefinedText = "d-1";

/** @param root how error messages call the value: `args`, `result` …  @throws SERIALIZATION_FAILED with the path in the value */
export function encode(value: unknown, root: string): string {
  if (value === undefined) return undefinedText;
  if (isPlainJson(value)) return `j${JSON.stringify(value)}`;
  try {
    return `d${stringify(value, reducers)}`;
  } catch (cause) {
    if (cause instanceof DevalueError) throw new SerializationError((root + cause.path).replace(/^\./, ""), explain(cause.value));
    throw cause;
  }
}

/** The value of a text that {@link encode} wrote. */
export function decode(text: string): unknown {
  if (text === undefinedText) return undefined;
  const body = text.slice(1);
  if (text.startsWith("j")) return JSON.parse(body);
  if (text.startsWith("d")) return parse(body, revivers);
  throw new TypeError(`Not a Perdure value: it starts with ${JSON.stringify(text.slice(0, 1))}.`);
}

/** An error that was thrown, as text; anything may be thrown, and nothing makes this fail. */
export function encodeThrown(thrown: unknown): string {
  try {
    return encode(thrown, "error");
  } catch {
    return encode(new Error(`A value was thrown that cannot be stored: ${describe(thrown)}`), "error");
  }
}

interface Refusal {
  readonly refused: string;
}

const reducers = {
  Error: (value: unknown): ErrorRecord | false => isError(value) && recordOfError(value, keeps),
  URL: (value: unknown): false | Refusal => refuse(value, "URL"),
  URLSearchParams: (value: unknown): false | Refusal => refuse(value, "URLSearchParams"),
};

const revivers = { Error: (record: ErrorRecord): Error => errorOfRecord(record) };

function keeps(value: unknown): boolean {
  try {
    stringify(value, reducers);
    return true;
  } catch {
    return false;
  }
}

/**
 * The sandbox has no such classes, so that a value would come out on one side only. Answers with something that devalue refuses in turn,
 * because it knows the path.
 */
function refuse(value: unknown, tag: string): false | Refusal {
  if (typeof value !== "object" || Object.prototype.toString.call(value) !== `[object ${tag}]`) return false;
  return Object.assign(() => undefined, { refused: tag });
}

function explain(value: unknown): string {
  return `is ${describe(value)} and cannot be stored.`;
}

function describe(value: unknown): string {
  switch (typeof value) {
    case "function":
      if ("refused" in value) return `a ${String(value.refused)}`;
      return value.name === "" ? "a function" : `a function (${value.name})`;
    case "symbol":
      return `a symbol (${String(value)})`;
    case "object":
      return describeObject(value);
    default:
      return `a ${typeof value}`;
  }
}

function describeObject(value: object | null): string {
  if (value === null) return "null";
  if (typeof (value as { then?: unknown }).then === "function") return "a promise";
  const constructor: unknown = (value as { constructor?: unknown }).constructor;
  const name = typeof constructor === "function" ? constructor.name : "";
  return name === "" || name === "Object" ? "an object that is more than data" : `an instance of ${name}`;
}
