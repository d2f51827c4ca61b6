import { fromBase64, toBase64 } from "./base64.ts";
import { setOwn, type At, type Kind } from "./kind.ts";
import type { NodePart, Slot } from "./node.ts";

export const date: Kind<Date> = {
  write: (value) => [value.getTime() || (value.getTime() === 0 ? 0 : null)],
  create: ([, time]) => new Date(time === null ? Number.NaN : Number(time)),
};

/** `lastIndex` begins anew, as in a structured clone. */
export const regExp: Kind<RegExp> = {
  write: (value) => [value.source, value.flags],
  create: ([, source, flags]) => new RegExp(String(source), String(flags)),
};

export const bigInt: Kind<bigint> = {
  write: (value) => [String(value)],
  create: ([, digits]) => BigInt(String(digits)),
};

/** `new Number(1)` and the like. */
export const boxed: Kind<object> = {
  write: (value, writer) => [writer.put(value.valueOf(), "valueOf()")],
  create: ([, primitive], at) => Object(at(primitive)) as object,
};

export const map: Kind<Map<unknown, unknown>> = {
  write: (value, writer) => Array.from(value).flatMap(([key, item]) => [writer.put(key, "keys().next()"), writer.put(item, { get: key })]),
  create: () => new Map(),
  fill(value, [, ...parts], at) {
    for (let index = 0; index < parts.length; index += 2) value.set(at(parts[index]), at(parts[index + 1]));
  },
};

export const set: Kind<Set<unknown>> = {
  write: (value, writer) => Array.from(value, (item, index) => writer.put(item, index)),
  create: () => new Set(),
  fill(value, [, ...parts], at) {
    for (const part of parts) value.add(at(part));
  },
};

export const array: Kind<unknown[]> = {
  write: (value, writer) => value.map((item, index) => writer.put(item, index)),
  create: () => [],
  fill(value, node, at) {
    for (let index = 1; index < node.length; index++) value.push(at(node[index]));
  },
};

/** With holes, or with members beside the elements. */
export const oddArray: Kind<unknown[]> = {
  write: (value, writer) => [value.length, ...Object.entries(value).flatMap(([key, item]) => [key, writer.put(item, indexOr(key))])],
  create([, length]) {
    const value: unknown[] = [];
    value.length = Number(length);
    return value;
  },
  fill(value, [, , ...parts], at) {
    for (let index = 0; index < parts.length; index += 2) setOwn(value, String(parts[index]), at(parts[index + 1]));
  },
};

function indexOr(key: string): string | number {
  return /^\d+$/.test(key) ? Number(key) : key;
}

export const nullObject: Kind<Record<string, unknown>> = {
  write: (value, writer) => [slotsOf(value, (item, key) => writer.put(item, key))],
  create: () => Object.create(null) as object,
  fill: (value, [, members], at) => fillMembers(value, members, at),
};

/** An object's enumerable members as slots. */
export function slotsOf(value: object, put: (item: unknown, key: string) => Slot): Record<string, Slot> {
  const slots = Object.create(null) as Record<string, Slot>;
  for (const key of Object.keys(value)) slots[key] = put((value as Record<string, unknown>)[key], key);
  return slots;
}

function fillMembers(target: object, members: NodePart | undefined, at: At): void {
  for (const [key, slot] of Object.entries(members ?? {})) {
    if (key === "__proto__") setOwn(target, key, at(slot as Slot));
    else (target as Record<string, unknown>)[key] = at(slot as Slot);
  }
}

export const arrayBuffer: Kind<ArrayBuffer> = {
  write: (value) => [toBase64(new Uint8Array(value))],
  create: ([, base64]) => fromBase64(String(base64)).buffer,
};

type ViewClass = new (buffer: ArrayBuffer, offset: number, length: number) => ArrayBufferView;

/** Typed arrays and DataViews: views of one buffer stay views of one buffer. */
export const view: Kind<ArrayBufferView> = {
  write(value, writer) {
    const name = Object.prototype.toString.call(value).slice(8, -1);
    const length = name === "DataView" ? value.byteLength : (value as Uint8Array).length;
    return [name, writer.put(value.buffer, "buffer"), value.byteOffset, length];
  },
  create([, name, buffer, offset, length], at) {
    const Class = (globalThis as unknown as Record<string, ViewClass>)[String(name)];
    if (!Class) throw new TypeError(`Not a Perdure value: there is no ${String(name)} here.`);
    return new Class(at(buffer) as ArrayBuffer, Number(offset), Number(length));
  },
};

/** Node's `Buffer`, without the pool of which it is a part. */
export const nodeBuffer: Kind<Uint8Array> = {
  write: (value) => [toBase64(value)],
  create: ([, base64]) => Buffer.from(String(base64), "base64"),
};

/** Where the platform has it. */
export const temporal: Kind<object> = {
  write: (value) => [Object.prototype.toString.call(value).slice("[object Temporal.".length, -1), String(value)],
  create([, name, text]) {
    const { Temporal } = globalThis as unknown as { Temporal: Record<string, { from(text: string): object }> };
    return Temporal[String(name)]?.from(String(text));
  },
};
