/**
 * Instances of classes that say how they are stored, by two static methods: `[Symbol.for("workflow-serialize")](instance)` gives data, and
 * `[Symbol.for("workflow-deserialize")](data)` an instance. Both sides know the class by an id.
 */
const serializeKey = Symbol.for("workflow-serialize");
const deserializeKey = Symbol.for("workflow-deserialize");

/** A class with both methods. */
export interface StoredClass {
  readonly name: string;
  [serializeKey](instance: unknown): unknown;
  [deserializeKey](data: unknown): unknown;
}

/** Which classes one program knows. */
export interface ClassRegistry {
  readonly byId: Map<string, StoredClass>;
  readonly idOf: Map<unknown, string>;
}

export function createClassRegistry(): ClassRegistry {
  return { byId: new Map(), idOf: new Map() };
}

const everywhere = createClassRegistry();
let local: () => ClassRegistry | null = () => null;

/** For a place where each run has its own copies of classes: says which ones. */
export function findClassesBy(find: () => ClassRegistry | null): void {
  local = find;
}

/**
 * Makes instances of a class storable. Called by compiled code where the class is defined; a later call with the same id replaces the class.
 * @param id the same in workflow code and on the host, and unique
 * @param formerIds under which instances may have been stored before
 * @returns the class
 */
export function registerClass<C extends object>(id: string, storedClass: C, formerIds: readonly string[] = []): C {
  const registry = local() ?? everywhere;
  for (const former of formerIds) registry.byId.set(former, storedClass as unknown as StoredClass);
  return registerClassIn(registry, id, storedClass);
}

/** The same for one registry. */
export function registerClassIn<C extends object>(registry: ClassRegistry, id: string, storedClass: C): C {
  registry.byId.set(id, storedClass as unknown as StoredClass);
  registry.idOf.set(storedClass, id);
  return storedClass;
}

/** The class of an object if it says how it is stored, whether it is registered or not. */
export function storedClassOf(value: object): { readonly storedClass: StoredClass; readonly id: string | undefined } | null {
  const { constructor } = value as { readonly constructor?: unknown };
  if (typeof constructor !== "function" || !(serializeKey in constructor)) return null;
  const storedClass = constructor as unknown as StoredClass;
  return { storedClass, id: local()?.idOf.get(constructor) ?? everywhere.idOf.get(constructor) };
}

export function findClass(id: string): StoredClass | undefined {
  return local()?.byId.get(id) ?? everywhere.byId.get(id);
}

export const serialize = (storedClass: StoredClass, instance: unknown): unknown => storedClass[serializeKey](instance);
export const deserialize = (storedClass: StoredClass, data: unknown): unknown => storedClass[deserializeKey](data);

/** An instance of a class that this side does not know. It can be passed on, and comes out where the class is known. */
export class UnknownInstance {
  readonly classId: string;
  readonly #data: unknown;

  static {
    // In the sandbox the class is shared by all runs.
    Object.freeze(this);
    Object.freeze(this.prototype);
  }

  constructor(classId: string, data: unknown) {
    this.classId = classId;
    this.#data = data;
    Object.freeze(this);
  }

  /** What the instance is stored as. */
  static dataOf(instance: UnknownInstance): unknown {
    return instance.#data;
  }
}
