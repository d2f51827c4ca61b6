import { Blob, File } from "./blob.ts";

const errorNames: ReadonlySet<string> = new Set([
  "Error",
  "EvalError",
  "RangeError",
  "ReferenceError",
  "SyntaxError",
  "TypeError",
  "URIError",
]);

/** Copies of what was met already. */
type Memory = Map<object, unknown>;

/**
 * `structuredClone` of the HTML standard. Buffers in `transfer` are copied, and stay usable: to detach one is not possible in every Node that is supported,
 * and what a workflow sees must not depend on the Node version.
 */
export function structuredClone(value: unknown, options: { readonly transfer?: Iterable<unknown> } = {}): unknown {
  for (const item of options?.transfer ?? []) {
    if (!(item instanceof ArrayBuffer)) throw refusal(item);
  }
  return clone(value, new Map());
}

function clone(value: unknown, memory: Memory): unknown {
  if (typeof value === "symbol" || typeof value === "function") throw refusal(value);
  if (typeof value !== "object" || value === null) return value;
  if (memory.has(value)) return memory.get(value);
  const whole = cloneWhole(value, memory);
  const copy = whole ?? container(value);
  memory.set(value, copy);
  if (!whole) fill(value, copy, memory);
  return copy;
}

function refusal(value: unknown): Error {
  const text = typeof value === "object" ? Object.prototype.toString.call(value) : String(value);
  return new DOMException(`${text} could not be cloned.`, "DataCloneError");
}

/** Copies of objects that hold no others, errors apart. */
function cloneWhole(value: object, memory: Memory): object | null {
  if (value instanceof Date) return new Date(value.getTime());
  if (value instanceof RegExp) return new RegExp(value.source, value.flags);
  if (value instanceof ArrayBuffer) return value.slice(0);
  if (ArrayBuffer.isView(value)) return cloneView(value, memory);
  if (value instanceof File) return new File([value], value.name, { type: value.type, lastModified: value.lastModified });
  if (value instanceof Blob) return value.slice(0, value.size, value.type);
  if (value instanceof DOMException) {
    const { message, name, stack } = value;
    return Object.defineProperty(new DOMException(message, name), "stack", hidden(stack));
  }
  for (const type of [Number, String, Boolean, BigInt, Symbol]) {
    if (!(value instanceof type)) continue;
    const primitive: unknown = value.valueOf();
    if (typeof primitive === "symbol") throw refusal(value);
    return Object(primitive) as object;
  }
  return null;
}

function cloneView(view: ArrayBufferView, memory: Memory): object {
  const buffer = clone(view.buffer, memory) as ArrayBuffer;
  if (view instanceof DataView) return new DataView(buffer, view.byteOffset, view.byteLength);
  const typed = view as Uint8Array;
  const name = typed[Symbol.toStringTag] as "Uint8Array";
  return new globalThis[name](buffer, typed.byteOffset, typed.length);
}

const hidden = (value: unknown): PropertyDescriptor => ({ value, configurable: true, writable: true });

/** An empty object of the value's kind. @throws DataCloneError for objects that are more than data */
function container(value: object): object {
  if (value instanceof Map) return new Map();
  if (value instanceof Set) return new Set();
  if (Array.isArray(value)) return Object.assign([], { length: value.length });
  if (value instanceof Error) return errorLike(value);
  const tag = Object.prototype.toString.call(value);
  if (tag !== "[object Object]" && tag !== "[object Arguments]" && isBuiltIn(value)) throw refusal(value);
  return {};
}

/** True for instances of what the platform brings: of their classes, names say enough. */
function isBuiltIn(value: object): boolean {
  const { constructor } = value as { constructor?: unknown };
  const name = typeof constructor === "function" ? constructor.name : "";
  return name === "" || (globalThis as Record<string, unknown>)[name] === constructor || !Object.hasOwn(value, Symbol.toStringTag);
}

function errorLike(error: Error): Error {
  const name = errorNames.has(String(error.name)) ? (error.name as "Error") : "Error";
  const copy = Object.setPrototypeOf(new Error(), globalThis[name].prototype as object) as Error;
  if (Object.hasOwn(error, "message")) Object.defineProperty(copy, "message", hidden(String(error.message)));
  return Object.defineProperty(copy, "stack", hidden(error.stack));
}

function fill(value: object, copy: object, memory: Memory): void {
  if (copy instanceof Map) {
    for (const [key, item] of value as Map<unknown, unknown>) copy.set(clone(key, memory), clone(item, memory));
  } else if (copy instanceof Set) {
    for (const item of value as Set<unknown>) copy.add(clone(item, memory));
  } else if (copy instanceof Error) {
    if (Object.hasOwn(value, "cause")) Object.defineProperty(copy, "cause", hidden(clone((value as Error).cause, memory)));
  } else {
    for (const key of Object.keys(value)) {
      const item = clone((value as Record<string, unknown>)[key], memory);
      Object.defineProperty(copy, key, { value: item, configurable: true, enumerable: true, writable: true });
    }
  }
}
