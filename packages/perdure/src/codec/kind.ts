import type { NodePart, Slot, TaggedNode } from "./node.ts";

/** Where a part is in what holds it: a member, an index, or an entry of a map. */
export type PathKey = string | number | { readonly get: unknown };

/** What a kind needs to write a value. */
export interface Writer {
  /** The slot of a part. */
  put(part: unknown, key: PathKey): Slot;
  /** True if the part turned out not to be storable, and the value is worth more than it. */
  isDropped(key: PathKey): boolean;
  /** The value's body would have to be read first, which takes a promise. */
  unread(): null;
  /** @throws what `encode` throws, with the path of the value */
  refuse(reason: string): never;
}

/** What a kind needs to read one. */
export type At = (part: NodePart | undefined) => unknown;

/** How values of one kind become nodes and come back. A value is created first and filled later, so that what it holds may hold it. */
export interface Kind<T = never> {
  write(value: T, writer: Writer): readonly NodePart[];
  create(node: TaggedNode, at: At): unknown;
  fill?(value: T, node: TaggedNode, at: At): void;
}

/** Sets an own property, whatever the prototypes say about its name. */
export function setOwn(target: object, key: PropertyKey, value: unknown, enumerable = true): void {
  Object.defineProperty(target, key, { value, enumerable, configurable: true, writable: true });
}

export type { Slot };
