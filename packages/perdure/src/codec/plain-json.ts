/**
 * Says whether `JSON.stringify` keeps a value exactly: primitives that JSON has, dense arrays and plain objects of such, each object seen
 * once (JSON would split a shared reference in two and never finish a cycle). Such values take the fast path of the codec:
 * devalue writes large graphs several times slower.
 */
/** Deeper values would exhaust the stack, earlier or later depending on who calls. */
const maxDepth = 500;

export function isPlainJson(value: unknown): boolean {
  return check(value, { first: null, others: null }, 0);
}

/** The objects met so far. (Most values are one: a set for it would be as large as the rest of the work.) */
interface Seen {
  first: object | null;
  others: Set<object> | null;
}

/** False when it is there already. */
function add(seen: Seen, value: object): boolean {
  if (seen.first === null) {
    seen.first = value;
    return true;
  }
  if (seen.first === value) return false;
  seen.others ??= new Set();
  if (seen.others.has(value)) return false;
  seen.others.add(value);
  return true;
}

function check(value: unknown, seen: Seen, depth: number): boolean {
  switch (typeof value) {
    case "string":
    case "boolean":
      return true;
    case "number":
      return Number.isFinite(value) && !Object.is(value, -0);
    case "object":
      return value === null || checkObject(value, seen, depth + 1);
    default:
      return false;
  }
}

function checkObject(value: object, seen: Seen, depth: number): boolean {
  if (depth > maxDepth || !add(seen, value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (Array.isArray(value)) return prototype === Array.prototype && checkArray(value, seen, depth);
  if (prototype !== Object.prototype || Symbol.toStringTag in value) return false;
  if (Object.getOwnPropertySymbols(value).length > 0) return false;
  const record = value as Readonly<Record<string, unknown>>;
  for (const key of Object.keys(record)) {
    if (key === "__proto__" || key === "toJSON" || !check(record[key], seen, depth)) return false;
  }
  return true;
}

function checkArray(value: readonly unknown[], seen: Seen, depth: number): boolean {
  if (Object.keys(value).length !== value.length) return false;
  for (let index = 0; index < value.length; index++) {
    if (!check(value[index], seen, depth)) return false;
  }
  return true;
}
