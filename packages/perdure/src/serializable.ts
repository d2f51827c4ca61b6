/**
 * Which values the codec stores, as types. They say early what the codec would say; it has the last word, because a value may be more, or less, than its type.
 *
 * `Stored` maps a type to what the codec stores of it. It knows no path, so that TypeScript computes it once for each type and a recursive type ends where it comes
 * back to itself. Only parts for which that fails are mapped again, by `Explained`, with the path.
 */

declare const reason: unique symbol;

/** Stands where a value cannot be stored, so that TypeScript's message says why. No value has this type. */
export interface NotSerializable<Reason extends string> {
  readonly [reason]: Reason;
}

/**
 * An async function may be a step or a workflow, which are stored by their ids; for another one the codec says so.
 *
 * `T` if the codec stores it, else `T` with a {@link NotSerializable} in the place of each part that it refuses. `any`, `unknown` and type parameters
 * pass.
 * @example
 * type Order = Serializable<{ id: string; notify: () => void }>; // notify: NotSerializable<"value.notify is a function and cannot be stored">
 */
export type Serializable<T, Path extends string = "value"> = [T] extends [Stored<T>] ? T : Explained<T, Path>;

/**
 * For `satisfies`: the signature of a step or workflow. Given the function's type, every part of its arguments and of its result is looked at; without it, only whether
 * it is async and whether an argument is itself a function or a promise.
 * @example
 * const charge = (async (order: Order) => pay(order)) satisfies DurableFunction<(order: Order) => Promise<Receipt>>;
 */
export type DurableFunction<F extends AsyncFunction = never> = [F] extends [never]
  ? AnyDurableFunction["call"]
  : (...args: Serializable<Parameters<F>, "args">) => Promise<Serializable<Awaited<ReturnType<F>>, "result">>;

type AsyncFunction = (...args: never) => Promise<unknown>;

/** A method, because parameters of methods may be narrower than asked for: `Order` will do where data is. */
interface AnyDurableFunction {
  call(...args: Data[]): Promise<unknown>;
}

/** Neither a function nor a promise. An interface has no index signature, so that a type without a parameter cannot say more. */
type Data = Primitive | (object & { readonly call?: never; readonly then?: never });

// By shape, and only of what every library has: a global that a program's `lib` lacks would count as `any` and match everything.
type Primitive = string | number | bigint | boolean | null | undefined | void;
type Whole = Primitive | Date | RegExp | Error | ArrayBuffer | ArrayBufferView | Boxed | Temporal | Web | RunHandle | AsyncFunction;
// oxlint-disable-next-line typescript/no-wrapper-object-types -- the codec stores them
type Boxed = String | Number | Boolean;
type Temporal = { readonly [Symbol.toStringTag]: `Temporal.${string}` };
/** `URL`; `URLSearchParams` and `FormData`; `Headers`; `Request`, `Response`, `Blob` and `File`; `ReadableStream` and `WritableStream`; `AbortSignal`. */
type Web =
  | { readonly href: string; readonly searchParams: object; toJSON(): string }
  | { append(...args: never): unknown; getAll(name: string): unknown[] }
  | { getSetCookie(): string[] }
  | { arrayBuffer(): Promise<ArrayBuffer>; text(): Promise<string> }
  | { readonly locked: boolean; getReader(options: never): unknown }
  | { readonly locked: boolean; getWriter(): unknown }
  | { readonly aborted: boolean; throwIfAborted(): void };
/** A handle of a run. */
type RunHandle = { readonly runId: string; readonly returnValue: Promise<unknown> };
type AnyFunction = Function;

/** What `T` is: each member of a union by itself. `Map` and `WeakMap` have the same shape when keys are objects, so maps come first. */
type Kind<T> = T extends Whole
  ? "whole"
  : T extends symbol
    ? "a symbol"
    : T extends AnyFunction
      ? "a function"
      : T extends readonly unknown[]
        ? number extends T["length"]
          ? "list"
          : "tuple"
        : T extends Instance
          ? "an object with methods"
          : T extends ReadonlyMap<unknown, unknown>
            ? "map"
            : T extends ReadonlySet<unknown>
              ? "set"
              : T extends PromiseLike<unknown>
                ? "a promise"
                : T extends WeakMap<object, unknown> | WeakSet<object>
                  ? "a weak collection"
                  : T extends object
                    ? "members"
                    : "whole";

/** Known by one of their methods; without this the error would name the method instead of the object, and `URLSearchParams` would be a map. */
type Instance =
  | { toJSON(): unknown } // many a class of money or time
  | { getReader(): unknown }; // ReadableStream

/**
 * Whether a type must be looked into. Written so that TypeScript, asked about a type parameter, puts the answer off, but knows that for `any` it is "no":
 * it then takes a value of type `T` for one of type `Stored<T>`.
 */
type Look<T> = { any: 0 } extends { any: 1 & T } ? "no" : [Exclude<Kind<T>, "whole">] extends [never] ? "no" : "yes";

type Stored<T> = [Look<T>] extends ["yes"] ? StoredParts<T> : T;

/** Only members of object types and elements of array types may come back to `T`: TypeScript computes these when it needs them. */
type StoredParts<T> = T extends unknown
  ? Kind<T> extends "whole"
    ? T
    : Kind<T> extends "list"
      ? readonly Stored<T[number & keyof T]>[]
      : Kind<T> extends "members"
        ? { [Key in keyof T]: Stored<T[Key]> }
        : Kind<T> extends "map"
          ? T extends ReadonlyMap<infer Key, infer Value>
            ? { forEach(each: (value: Stored<Value>, key: Stored<Key>) => void): void }
            : never
          : Kind<T> extends "set"
            ? T extends ReadonlySet<infer Element>
              ? { forEach(each: (element: Stored<Element>) => void): void }
              : never
            : Kind<T> extends "tuple"
              ? // Renamed to themselves, the keys no longer make a tuple, all of whose elements would be computed at once.
                { [Key in keyof T as Key & `${number}`]: Stored<T[Key]> }
              : NotSerializable<Kind<T>>
  : never;

type Explained<T, Path extends string> = T extends unknown
  ? Kind<T> extends "whole"
    ? T
    : Kind<T> extends "list"
      ? readonly Serializable<T[number & keyof T], Member<Path, number>>[]
      : Kind<T> extends "members" | "tuple"
        ? { [Key in keyof T]: Serializable<T[Key], Member<Path, Key>> }
        : Kind<T> extends "map"
          ? T extends ReadonlyMap<infer Key, infer Value>
            ? ReadonlyMap<Serializable<Key, `a key of ${Path}`>, Serializable<Value, `${Path}.get(…)`>>
            : never
          : Kind<T> extends "set"
            ? T extends ReadonlySet<infer Element>
              ? ReadonlySet<Serializable<Element, `an element of ${Path}`>>
              : never
            : NotSerializable<`${Path} is ${Kind<T>} and cannot be stored`>
  : never;

/** A path as the codec writes it. Members of which there may be any number are `[…]`. */
type Member<Path extends string, Key> = number extends Key
  ? `${Path}[…]`
  : string extends Key
    ? `${Path}[…]`
    : Key extends number | `${number}`
      ? `${Path}[${Key}]`
      : Key extends string
        ? `${Path}.${Key}`
        : `${Path}[symbol]`;
