/** What a value is, for messages. */
export function describe(value: unknown): string {
  switch (typeof value) {
    case "function":
      return value.name === "" ? "a function" : `a function (${value.name})`;
    case "symbol":
      return `a symbol (${String(value)})`;
    case "object":
      return describeObject(value);
    default:
      return `a ${typeof value}`;
  }
}

function describeObject(value: object | null): string {
  if (value === null) return "null";
  if (typeof (value as { then?: unknown }).then === "function") return "a promise";
  const constructor: unknown = (value as { constructor?: unknown }).constructor;
  const name = typeof constructor === "function" ? constructor.name : "";
  return name === "" || name === "Object" ? "an object that is more than data" : `an instance of ${name}`;
}
