import { none } from "./lists.ts";

/**
 * Things that are found by their operations, in the order in which they were put there, for places that seldom hold more than one and of which there are many: every run has several.
 * One is held as it is, a table is made for the second and kept until it is empty. (An empty `Map` takes 210 bytes, most of it a table for four.)
 */
export type Few<V extends { readonly op: string }> = V | Map<string, V> | null;

export function find<V extends { readonly op: string }>(few: Few<V>, op: string): V | undefined {
  if (few === null) return undefined;
  if (few instanceof Map) return (few as Map<string, V>).get(op);
  return few.op === op ? few : undefined;
}

/** What is held from now on; one of the same operation is replaced in its place. */
export function put<V extends { readonly op: string }>(few: Few<V>, value: V): Few<V> {
  if (few === null) return value;
  if (few instanceof Map) return (few as Map<string, V>).set(value.op, value);
  if (few.op === value.op) return value;
  return new Map([
    [few.op, few],
    [value.op, value],
  ]);
}

/** What is held from now on. */
export function without<V extends { readonly op: string }>(few: Few<V>, op: string): Few<V> {
  if (few === null) return null;
  if (few instanceof Map) {
    few.delete(op);
    return few.size === 0 ? null : (few as Map<string, V>);
  }
  return few.op === op ? null : few;
}

/** All of them. What is taken away meanwhile is left out, as with a `Map`, unless there was only one. */
export function each<V extends { readonly op: string }>(few: Few<V>): Iterable<V> {
  if (few === null) return none;
  return few instanceof Map ? (few as Map<string, V>).values() : [few];
}

export function countOf(few: Few<{ readonly op: string }>): number {
  if (few === null) return 0;
  return few instanceof Map ? few.size : 1;
}
