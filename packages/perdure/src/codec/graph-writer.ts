import { SerializationError } from "../errors/step-errors.ts";
import { isSpent } from "./bodies.ts";
import { describe } from "./describe.ts";
import { isError } from "./error-values.ts";
import { slotsOf } from "./data-kinds.ts";
import type { PathKey, Writer } from "./kind.ts";
import { kindOfTag, tagOf } from "./kinds.ts";
import { isReadableStream } from "./stream-references.ts";
import { completionOrder, isInstance, slotOf, type GraphNode, type Slot } from "./node.ts";

/** A value that needs a node, and how it was first met. */
interface Entry {
  readonly value: object | bigint | symbol;
  readonly parent: Entry | null;
  readonly key: PathKey;
}

/** Parts of errors to be left out. */
type Dropped = Map<object, Set<PathKey>>;

/** Bodies that must be read, and streams that must be stored, before the value can be written. */
export class UnreadBodies extends SerializationError {
  readonly bodies: readonly object[];

  /** @param path where the first is */
  constructor(path: string, bodies: readonly object[]) {
    const [first] = bodies;
    super(
      path,
      isReadableStream(first)
        ? "is a ReadableStream: only results of steps and arguments of start() may hold one that is not a run's already."
        : `is ${describe(first)} whose body was not read yet.`,
    );
    this.bodies = bodies;
  }
}

class Refused extends Error {
  readonly entry: Entry;
  readonly reason: string;

  constructor(entry: Entry, reason: string) {
    super(reason);
    this.entry = entry;
    this.reason = reason;
  }
}

/**
 * A value in the format of `node.ts`. Works through a list, so that no value is nested too deeply.
 * @throws SERIALIZATION_FAILED with the path of what cannot be stored; {@link UnreadBodies}
 */
export function writeGraph(value: unknown, root: string): string {
  const dropped: Dropped = new Map();
  for (;;) {
    try {
      return writeOnce(value, root, dropped);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      if (!drop(error.entry, dropped)) throw new SerializationError(pathOf(error.entry, root), error.reason);
    }
  }
}

function writeOnce(value: unknown, root: string, dropped: Dropped): string {
  const entries: Entry[] = [];
  const indices = new Map<unknown, number>();
  const nodes: GraphNode[] = [];
  const unread: Entry[] = [];
  let current: Entry | null = null;
  const put = (part: unknown, key: PathKey): Slot => {
    const slot = slotOf(part);
    if (slot !== undefined) return slot;
    let index = indices.get(part);
    if (index === undefined) {
      index = entries.push({ value: part as Entry["value"], parent: current, key });
      indices.set(part, index);
    }
    return [index];
  };
  const writer: Writer = {
    put,
    isDropped: (key) => dropped.get(current?.value as object)?.has(key) ?? false,
    refuse: (reason) => {
      throw new Refused(current as Entry, reason);
    },
    unread: () => {
      if (current && isSpent(current.value as object)) return writer.refuse(`is ${describe(current.value)} whose body was read already.`);
      if (current) unread.push(current);
      return null;
    },
  };
  const start = put(value, "");
  let hasInstances = false;
  for (let index = 0; index < entries.length; index++) {
    current = entries[index] as Entry;
    const node = nodeOf(current, writer);
    hasInstances ||= isInstance(node);
    nodes.push(node);
  }
  if (hasInstances) checkInstances(start, nodes, entries);
  if (unread.length > 0) throw unreadBodies(unread, root);
  return JSON.stringify([start, ...nodes]);
}

/** Streams come first: not everyone can store them. */
function unreadBodies(unread: readonly Entry[], root: string): UnreadBodies {
  const streams = unread.filter(({ value }) => isReadableStream(value));
  const entries = [...streams, ...unread.filter((entry) => !streams.includes(entry))];
  return new UnreadBodies(
    pathOf(entries[0] as Entry, root),
    entries.map(({ value }) => value as object),
  );
}

function nodeOf(entry: Entry, writer: Writer): GraphNode {
  const { value } = entry;
  const tag = tagOf(value);
  if (tag === null) throw new Refused(entry, `is ${describe(value)} and cannot be stored.${adviceFor(value)}`);
  if (tag === "plain") return slotsOf(value as object, writer.put);
  return [tag, ...kindOfTag(tag).write(value as never, writer)];
}

function adviceFor(value: unknown): string {
  return Object.prototype.toString.call(value) === "[object AbortController]" ? " Its signal can be." : "";
}

function checkInstances(start: Slot, nodes: readonly GraphNode[], entries: readonly Entry[]): void {
  if (!Array.isArray(start)) return;
  const { stuck } = completionOrder([undefined, ...nodes], start[0] as number);
  const entry = stuck === null ? undefined : entries[stuck - 1];
  if (entry) throw new Refused(entry, `is ${describe(entry.value)} that is part of what it is stored as.`);
}

/** Leaves out the part of the nearest error in which the value is; false if it is in none. */
function drop(entry: Entry, dropped: Dropped): boolean {
  for (let part = entry; part.parent; part = part.parent) {
    const holder = part.parent.value;
    if (typeof holder !== "object" || !isError(holder)) continue;
    const keys = dropped.get(holder) ?? new Set();
    if (keys.has(part.key)) return false;
    dropped.set(holder, keys.add(part.key));
    return true;
  }
  return false;
}

function pathOf(entry: Entry, root: string): string {
  const keys: PathKey[] = [];
  for (let part = entry; part.parent; part = part.parent) keys.unshift(part.key);
  return (root + keys.map(textOfKey).join("")).replace(/^\./, "");
}

function textOfKey(key: PathKey): string {
  if (typeof key === "number") return `[${key}]`;
  if (typeof key === "object") return `.get(${typeof key.get === "string" ? JSON.stringify(key.get) : describe(key.get)})`;
  return /^[\w$]+(?:\(\)(?:\.\w+\(\))?)?$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}
