/**
 * Freezes the realm's intrinsics, so that one run cannot change what another one sees, without the override mistake: where a frozen prototype
 * holds a data property, `object.name = value` on an heir would fail (ECMA-262, OrdinarySetWithOwnDescriptor). Such properties become
 * accessors whose setter defines the property on the receiver, as in "Distributed Electronic Rights in JavaScript" (Miller et al., 2013).
 */
export function harden(global: object): void {
  const found = new Set<object>();
  collect(global, found, true);
  for (const sample of hiddenIntrinsics()) collect(sample, found, false);
  freezeAll(found);
}

/** What is hardened already. */
const hardened = new WeakSet<object>();

/** The same for what comes later, and all that it leads to. */
export function hardenMore(objects: readonly object[]): void {
  const found = new Set<object>();
  for (const object of objects) collect(object, found, false);
  freezeAll(found);
}

function freezeAll(found: ReadonlySet<object>): void {
  for (const object of found) if (isPrototype(object)) enableOverrides(object);
  for (const object of found) {
    Object.freeze(object);
    hardened.add(object);
  }
}

/** Prototypes that no global name leads to. */
function hiddenIntrinsics(): object[] {
  const iterators = [
    [][Symbol.iterator](),
    new Map()[Symbol.iterator](),
    new Set()[Symbol.iterator](),
    ""[Symbol.iterator](),
    "".matchAll(/x/g),
  ];
  const { Iterator } = globalThis as unknown as { Iterator?: { from(iterator: object): { map(mapper: object): object } } };
  if (Iterator)
    iterators.push(...([Iterator.from({ next: () => ({}) }), Iterator.from([].values()).map(Boolean)] as (typeof iterators)[number][]));
  const segments = new Intl.Segmenter("en").segment("");
  const functions = [function* () {}, async function () {}, async function* () {}];
  const typedArray: object = Object.getPrototypeOf(Uint8Array) as object;
  return [...iterators, segments, segments[Symbol.iterator](), ...functions, typedArray].flatMap((object) => prototypesOf(object));
}

function prototypesOf(object: object): object[] {
  const chain: object[] = [];
  let current: unknown = Object.getPrototypeOf(object);
  while (typeof current === "object" ? current !== null : typeof current === "function") {
    chain.push(current as object);
    current = Object.getPrototypeOf(current);
  }
  return chain;
}

/** The global object itself stays open: runs get an heir of it. */
function collect(object: object, found: Set<object>, isGlobal: boolean): void {
  if (found.has(object) || hardened.has(object)) return;
  if (!isGlobal) found.add(object);
  for (const key of Reflect.ownKeys(object)) {
    if (isGlobal && !isIntrinsicName(key)) continue;
    const property = Object.getOwnPropertyDescriptor(object, key);
    for (const part of [property?.value, property?.get, property?.set] as unknown[]) {
      if (isObject(part) && part !== globalThis) collect(part, found, false);
    }
  }
  const prototype: unknown = Object.getPrototypeOf(object);
  if (isObject(prototype) && !isGlobal) collect(prototype, found, false);
}

function isIntrinsicName(key: string | symbol): boolean {
  return typeof key === "string" && key !== "globalThis";
}

/** True for objects and functions. */
export function isObject(value: unknown): value is object {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}

function isPrototype(object: object): boolean {
  return (Object.hasOwn(object, "constructor") && typeof object !== "function") || object === Function.prototype;
}

/** Properties that engines look up on fast paths and that nobody overrides by assignment. */
const keepAsData = new Set<PropertyKey>(["then"]);

function enableOverrides(prototype: object): void {
  for (const key of Reflect.ownKeys(prototype)) {
    if (typeof key === "symbol" || keepAsData.has(key)) continue;
    const property = Object.getOwnPropertyDescriptor(prototype, key);
    if (!property?.configurable || !("value" in property)) continue;
    const value: unknown = property.value;
    Object.defineProperty(prototype, key, {
      configurable: true,
      enumerable: property.enumerable ?? false,
      get: () => value,
      set(this: unknown, next: unknown) {
        if (this === prototype || !isObject(this))
          throw new TypeError(`Cannot change "${key}" of a built-in object: it is shared by all runs.`);
        Object.defineProperty(this, key, { value: next, configurable: true, enumerable: true, writable: true });
      },
    });
  }
}
