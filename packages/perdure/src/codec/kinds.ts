import { storedClassOf, UnknownInstance } from "./classes.ts";
import * as classKinds from "./class-kinds.ts";
import * as data from "./data-kinds.ts";
import * as errors from "./error-kinds.ts";
import { isError } from "./error-values.ts";
import { referenceOfFunction } from "./function-references.ts";
import type { Kind } from "./kind.ts";
import { runIdOf } from "./run-references.ts";
import { abortSignal } from "./signal-kind.ts";
import * as streams from "./stream-kinds.ts";
import * as web from "./web-kinds.ts";

/** Tags are stored: they are never given to another kind. */
const kinds = {
  A: data.array,
  a: data.oddArray,
  N: data.nullObject,
  D: data.date,
  R: data.regExp,
  n: data.bigInt,
  O: data.boxed,
  M: data.map,
  S: data.set,
  B: data.arrayBuffer,
  V: data.view,
  b: data.nodeBuffer,
  P: data.temporal,
  E: errors.error,
  X: errors.domException,
  U: web.url,
  Q: web.urlSearchParams,
  H: web.headers,
  q: web.request,
  r: web.response,
  L: web.blob,
  F: web.file,
  f: web.formData,
  s: streams.readableStream,
  w: streams.writableStream,
  C: classKinds.instance,
  W: classKinds.workflowReference,
  T: classKinds.stepReference,
  G: classKinds.runReference,
  K: abortSignal,
} satisfies Record<string, Kind>;

type Tag = keyof typeof kinds;

const kindsByTag: ReadonlyMap<string, Kind> = new Map(Object.entries(kinds));

const tagsByName: Readonly<Record<string, Tag>> = {
  Date: "D",
  RegExp: "R",
  Number: "O",
  String: "O",
  Boolean: "O",
  BigInt: "O",
  Map: "M",
  Set: "S",
  ArrayBuffer: "B",
  DOMException: "X",
  URL: "U",
  URLSearchParams: "Q",
  Headers: "H",
  Request: "q",
  Response: "r",
  Blob: "L",
  File: "F",
  FormData: "f",
  ReadableStream: "s",
  WritableStream: "w",
  AbortSignal: "K",
};

/** The kind of a tag. @throws TypeError if this version knows none */
export function kindOfTag(tag: string): Kind {
  const kind = kindsByTag.get(tag);
  if (!kind) throw new TypeError(`Not a Perdure value: it has a node of the kind ${JSON.stringify(tag)}.`);
  return kind;
}

/** The tag of a value that needs a node; `plain` for plain objects, null if it cannot be stored. */
export function tagOf(value: object | bigint | symbol): Tag | "plain" | null {
  if (typeof value === "bigint") return "n";
  if (typeof value === "symbol") return null;
  if (typeof value === "function") return tagOfFunction(value);
  if (runIdOf(value) !== undefined) return "G";
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype && !(Symbol.toStringTag in value)) return hasSymbols(value) ? null : "plain";
  if (Array.isArray(value)) return isDense(value) ? "A" : "a";
  return tagOfInstance(value, prototype);
}

function tagOfFunction(value: object): Tag | null {
  const reference = referenceOfFunction(value);
  return reference && (reference.kind === "workflow" ? "W" : "T");
}

function tagOfInstance(value: object, prototype: unknown): Tag | "plain" | null {
  if (value instanceof UnknownInstance || storedClassOf(value)) return "C";
  const name = Object.prototype.toString.call(value).slice(8, -1);
  if (ArrayBuffer.isView(value)) return (value.constructor as { name?: string }).name === "Buffer" ? "b" : "V";
  if (Object.hasOwn(tagsByName, name)) return tagsByName[name] ?? null;
  if (name.startsWith("Temporal.")) return "P";
  if (isError(value)) return "E";
  if (name !== "Object" || hasSymbols(value)) return null;
  if (prototype === null) return "N";
  return Object.getPrototypeOf(prototype) === null ? "plain" : null;
}

function hasSymbols(value: object): boolean {
  return Object.getOwnPropertySymbols(value).some((key) => Object.prototype.propertyIsEnumerable.call(value, key));
}

function isDense(value: readonly unknown[]): boolean {
  const keys = Object.keys(value);
  return keys.length === value.length && (keys.length === 0 || keys.at(-1) === String(value.length - 1));
}
