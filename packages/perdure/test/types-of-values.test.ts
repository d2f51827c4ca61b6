// Types only: `npm run typecheck` is the test. What must be refused stands under `@ts-expect-error`, so that it fails too when a check gets lost.
import { describe, expectTypeOf, test } from "vitest";
import { z } from "zod";

import { start, type Run } from "../src/api/index.ts";
import type { DurableFunction, NotSerializable, Serializable } from "../src/index.ts";

/** Something of this type; nothing looks at it. */
const a = <T>(): T => undefined as T;

interface Line {
  readonly sku: string;
  readonly count: bigint;
}
interface Order {
  id: string;
  lines: readonly Line[];
  placed: Date;
  note?: string | undefined;
  meta: Map<string, Set<number>>;
}
interface Tree {
  value: number;
  parent: Tree | null;
  children: Tree[];
  byName: Map<string, Tree>;
}
type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
type Nested = string | [Nested, Nested?] | [number, ...Nested[]] | Map<string, Nested> | Set<Nested> | readonly Nested[];
declare const brand: unique symbol;
type OrderId = string & { readonly [brand]: "order" };

class Point {
  x = 0;
  y = 0;
}

const schema = z.object({
  id: z.string().brand<"order">(),
  at: z.date(),
  kind: z.discriminatedUnion("type", [
    z.object({ type: z.literal("card"), last4: z.string().optional() }),
    z.object({ type: z.literal("cash"), coins: z.array(z.bigint()) }),
  ]),
  tags: z.record(z.string(), z.unknown()),
});

describe("what the codec stores is its own Serializable", () => {
  test("primitives, brands and what says nothing", () => {
    expectTypeOf<Serializable<string>>().toEqualTypeOf<string>();
    expectTypeOf<Serializable<undefined>>().toEqualTypeOf<undefined>();
    expectTypeOf<Serializable<null | bigint | 5 | "a" | true>>().toEqualTypeOf<null | bigint | 5 | "a" | true>();
    expectTypeOf<Serializable<OrderId>>().toEqualTypeOf<OrderId>();
    expectTypeOf<Serializable<unknown>>().toEqualTypeOf<unknown>();
    expectTypeOf<Serializable<never>>().toEqualTypeOf<never>();
    expectTypeOf<Serializable<object>>().toEqualTypeOf<object>();
    // oxlint-disable-next-line typescript/no-explicit-any -- what the test is about
    expectTypeOf<Serializable<any>>().toBeAny();
    // oxlint-disable-next-line typescript/no-explicit-any -- what the test is about
    expectTypeOf<Serializable<{ a: any; b: unknown }>>().toEqualTypeOf<{ a: any; b: unknown }>();
  });

  test("built-in classes that the codec knows, and errors with all that hangs on them", () => {
    type BuiltIn = [Date, RegExp, Error, AggregateError, z.ZodError, Uint8Array, Float64Array, ArrayBuffer, DataView, Buffer];
    expectTypeOf<Serializable<BuiltIn>>().toEqualTypeOf<BuiltIn>();
    expectTypeOf<Serializable<Map<Date, Set<Order>>>>().toEqualTypeOf<Map<Date, Set<Order>>>();
    expectTypeOf<Serializable<ReadonlyMap<string, ReadonlySet<Line>>>>().toEqualTypeOf<ReadonlyMap<string, ReadonlySet<Line>>>();
    // oxlint-disable-next-line typescript/no-wrapper-object-types -- what the test is about
    expectTypeOf<Serializable<[Number, String, Boolean]>>().toEqualTypeOf<[Number, String, Boolean]>();
    type Web = [URL, URLSearchParams, Headers, Request, Response, Blob, File, FormData, DOMException];
    expectTypeOf<Serializable<{ web: Web; list: Map<string, Response> }>>().toEqualTypeOf<{ web: Web; list: Map<string, Response> }>();
    interface Instant {
      readonly [Symbol.toStringTag]: "Temporal.Instant";
      add(duration: string): Instant;
    }
    expectTypeOf<Serializable<{ at: Instant }>>().toEqualTypeOf<{ at: Instant }>();
  });

  test("interfaces, classes that hold data, tuples, unions, recursive types and what zod infers", () => {
    expectTypeOf<Serializable<Order>>().toEqualTypeOf<Order>();
    expectTypeOf<Serializable<Point>>().toEqualTypeOf<Point>();
    expectTypeOf<Serializable<readonly [a: Order, b?: Line, ...rest: string[]]>>().toEqualTypeOf<
      readonly [a: Order, b?: Line, ...rest: string[]]
    >();
    expectTypeOf<Serializable<Order | Line[] | undefined>>().toEqualTypeOf<Order | Line[] | undefined>();
    expectTypeOf<Serializable<Tree>>().toEqualTypeOf<Tree>();
    expectTypeOf<Serializable<Json>>().toEqualTypeOf<Json>();
    expectTypeOf<Serializable<Nested>>().toEqualTypeOf<Nested>();
    expectTypeOf<Serializable<z.infer<typeof schema>>>().toEqualTypeOf<z.infer<typeof schema>>();
    expectTypeOf<Serializable<{ toJSON: string }>>().toEqualTypeOf<{ toJSON: string }>();
    expectTypeOf<Serializable<Record<string, unknown>>>().toEqualTypeOf<Record<string, unknown>>();
    expectTypeOf<Serializable<Omit<Order, "id"> & { id: OrderId }>>().toEqualTypeOf<Omit<Order, "id"> & { id: OrderId }>();
  });
});

type Because<Path extends string, What extends string> = NotSerializable<`${Path} is ${What} and cannot be stored`>;

describe("what the codec refuses is named with its path", () => {
  test("functions, symbols, promises, weak collections, objects with methods", () => {
    expectTypeOf<Serializable<() => void>>().toEqualTypeOf<Because<"value", "a function">>();
    expectTypeOf<Serializable<{ a: typeof Point }>>().toEqualTypeOf<{ a: Because<"value.a", "a function"> }>();
    expectTypeOf<Serializable<{ a: symbol }>>().toEqualTypeOf<{ a: Because<"value.a", "a symbol"> }>();
    expectTypeOf<Serializable<{ a: Promise<string> }>>().toEqualTypeOf<{ a: Because<"value.a", "a promise"> }>();
    expectTypeOf<Serializable<{ a: WeakMap<Point, 1>; b: WeakSet<Point> }>>().toEqualTypeOf<{
      a: Because<"value.a", "a weak collection">;
      b: Because<"value.b", "a weak collection">;
    }>();
    expectTypeOf<Serializable<{ a: AsyncIterator<string>; b: { toJSON(): string } }>>().not.toEqualTypeOf<{
      a: AsyncIterator<string>;
      b: { toJSON(): string };
    }>();
    expectTypeOf<Serializable<{ b: { toJSON(): string } }>>().toEqualTypeOf<{
      b: Because<"value.b", "an object with methods">;
    }>();
    expectTypeOf<Serializable<{ a: Intl.NumberFormat }>>().not.toEqualTypeOf<{ a: Intl.NumberFormat }>();
  });

  test("anywhere in a value", () => {
    expectTypeOf<Serializable<[Order, { deep: { readonly cb?: () => void } }], "args">>().toEqualTypeOf<
      [Order, { deep: { readonly cb?: Because<"args[1].deep.cb", "a function"> } }]
    >();
    expectTypeOf<Serializable<(() => void)[]>>().toEqualTypeOf<readonly Because<"value[…]", "a function">[]>();
    expectTypeOf<Serializable<Record<string, () => void>>>().toEqualTypeOf<Record<string, Because<"value[…]", "a function">>>();
    expectTypeOf<Serializable<Map<symbol, () => void>>>().toEqualTypeOf<
      ReadonlyMap<Because<"a key of value", "a symbol">, Because<"value.get(…)", "a function">>
    >();
    expectTypeOf<Serializable<Set<symbol>>>().toEqualTypeOf<ReadonlySet<Because<"an element of value", "a symbol">>>();
    expectTypeOf<Serializable<string | (() => void)>>().toEqualTypeOf<string | Because<"value", "a function">>();
    expectTypeOf<Serializable<{ type: "a" } | { type: "b"; run: () => void }>>().toEqualTypeOf<
      { type: "a" } | { type: "b"; run: Because<"value.run", "a function"> }
    >();
  });

  test("in a type that comes back to itself", () => {
    interface Job {
      next: Job | null;
      undo: () => void;
    }
    expectTypeOf<Serializable<Job>>().not.toEqualTypeOf<Job>();
    expectTypeOf<Serializable<Job>["undo"]>().toEqualTypeOf<Because<"value.undo", "a function">>();
  });
});

describe("start()", () => {
  test("takes what the workflow takes, and infers what it returns", () => {
    const fulfil = a<(order: Order, notify?: boolean) => Promise<{ total: bigint }>>();
    const order = a<Order>();
    expectTypeOf(() => start(fulfil, [order])).returns.resolves.toEqualTypeOf<Run<{ total: bigint }>>();
    expectTypeOf(() => start(fulfil, [order, true], { id: "1" })).returns.resolves.toEqualTypeOf<Run<{ total: bigint }>>();
    void (() => start(fulfil, [{ id: "1", lines: [{ sku: "a", count: 1n }], placed: new Date(), meta: new Map() }]));
    // @ts-expect-error: an argument is missing
    void (() => start(fulfil, []));
    // @ts-expect-error: of another type
    void (() => start(fulfil, [order, "yes"]));
    // @ts-expect-error: one too many
    void (() => start(fulfil, [order, true, 1]));
    // @ts-expect-error: an unknown property
    void (() => start(fulfil, [{ ...order, idd: 1, id: "1", lines: [], placed: new Date(), meta: new Map(), extra: 1 }, true]));
  });

  test("keeps inference: generic, overloaded, with rest and default parameters, recursive, void", () => {
    const identity = a<<T>(value: T) => Promise<T>>();
    expectTypeOf(() => start(identity, [5])).returns.resolves.toEqualTypeOf<Run<number>>();
    const sum = a<(first: string, ...rest: number[]) => Promise<void>>();
    expectTypeOf(() => start(sum, ["a", 1, 2, 3])).returns.resolves.toEqualTypeOf<Run<void>>();
    expectTypeOf(() => start(sum, ["a"])).returns.resolves.toEqualTypeOf<Run<void>>();
    const overloaded = a<{ (a: string): Promise<string>; (a: number): Promise<number> }>();
    expectTypeOf(() => start(overloaded, [1])).returns.resolves.toEqualTypeOf<Run<number>>();
    const walk = a<(tree: Tree, json: Json) => Promise<Tree | undefined>>();
    expectTypeOf(() => start(walk, [a<Tree>(), { a: [1, null] }])).returns.resolves.toEqualTypeOf<Run<Tree | undefined>>();
    const checked = a<(input: z.infer<typeof schema>) => Promise<z.infer<typeof schema>["kind"]>>();
    expectTypeOf(() => start(checked, [schema.parse({})])).returns.resolves.toEqualTypeOf<Run<z.infer<typeof schema>["kind"]>>();
    const loose = a<(input: unknown) => Promise<unknown>>();
    expectTypeOf(() => start(loose, [a<Order>()])).returns.resolves.toEqualTypeOf<Run<unknown>>();
    const never = a<() => Promise<never>>();
    expectTypeOf(() => start(never, [])).returns.resolves.toEqualTypeOf<Run<never>>();
  });

  test("can be called by generic code", () => {
    function launch<A extends unknown[], R>(flow: (...args: A) => Promise<R>, ...args: A): Promise<Run<R>> {
      return start(flow, args);
    }
    function launchOne<T extends { id: string }>(
      flow: (value: T, all: T[]) => Promise<{ value: T }>,
      value: T,
    ): Promise<Run<{ value: T }>> {
      return start(flow, [value, [value]], { id: value.id });
    }
    expectTypeOf(() => launch(a<(a: string) => Promise<Date>>(), "a")).returns.resolves.toEqualTypeOf<Run<Date>>();
    expectTypeOf(launchOne<Order>).returns.resolves.toEqualTypeOf<Run<{ value: Order }>>();
  });

  test("refuses arguments and results that cannot be stored", () => {
    const remind = a<(text: string, options?: { done?: () => void }) => Promise<void>>();
    void (() => start(remind, ["a", {}]));
    // @ts-expect-error: args[1].done is a function and cannot be stored
    void (() => start(remind, ["a", { done: () => {} }]));
    const visit = a<(request: { body: { toJSON(): string } }) => Promise<void>>();
    // @ts-expect-error: args[0].body is an object with methods and cannot be stored
    void (() => start(visit, [{ body: { toJSON: () => "" } }]));
    const upload = a<(body: ReadableStream<Uint8Array>, log: WritableStream) => Promise<ReadableStream<string>>>();
    void (() => start(upload, [new ReadableStream<Uint8Array>(), new WritableStream()]));
    const follow = a<(signal: AbortSignal, options: { signal?: AbortSignal }) => Promise<AbortSignal>>();
    void (() => start(follow, [new AbortController().signal, {}]));
    const all = a<(parts: Promise<string>[]) => Promise<void>>();
    // @ts-expect-error: args[0][…] is a promise and cannot be stored
    void (() => start(all, [[Promise.resolve("a")]]));
    const makes = a<() => Promise<{ stop: () => void }>>();
    // @ts-expect-error: result.stop is a function and cannot be stored
    void (() => start(makes, []));
  });
});

describe("DurableFunction", () => {
  const charge = async (order: Order): Promise<{ receipt: string }> => ({ receipt: order.id });
  const watch = async (order: Order, changed: { each: (order: Order) => void }): Promise<void> => changed.each(order);
  const open = async (id: string): Promise<{ close: () => string }> => ({ close: () => id });

  test("accepts signatures that can be stored, and does not change them", () => {
    const inPlace = (async (order: Order) => order.lines) satisfies DurableFunction;
    expectTypeOf(inPlace).toEqualTypeOf<(order: Order) => Promise<readonly Line[]>>();
    const typed = (async (order) => order.id) satisfies DurableFunction<(order: Order) => Promise<string>>;
    expectTypeOf(typed).toEqualTypeOf<(order: Order) => Promise<string>>();
    void (charge satisfies DurableFunction<typeof charge>);
    void ((async () => {}) satisfies DurableFunction);
    void ((async (_all: unknown, ..._rest: Date[]): Promise<unknown> => null) satisfies DurableFunction);
    const generic = async <T>(value: T): Promise<T[]> => [value];
    void (generic satisfies DurableFunction<typeof generic>);
    void (generic satisfies DurableFunction);
  });

  test("with the function's type refuses what cannot be stored, wherever it is", () => {
    // @ts-expect-error: args[1].each is a function and cannot be stored
    void (watch satisfies DurableFunction<typeof watch>);
    // @ts-expect-error: result.close is a function and cannot be stored
    void (open satisfies DurableFunction<typeof open>);
  });

  test("without it refuses functions and promises as arguments, and functions that are not async", () => {
    // @ts-expect-error: an argument is a function
    void ((async (each: () => void) => each()) satisfies DurableFunction);
    // @ts-expect-error: an argument is a promise
    void ((async (later: Promise<string>) => later) satisfies DurableFunction);
    // @ts-expect-error: not async
    void ((() => 1) satisfies DurableFunction);
  });
});
