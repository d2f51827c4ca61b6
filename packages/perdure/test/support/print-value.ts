/**
 * A text that tells values apart by all that should survive storage: class names, contents, who refers to whom. Stands alone, so that its source can
 * run in workflow code too.
 */
export function printValue(root: unknown): string {
  const seen = new Map<object, number>();
  const print = (value: unknown): string => {
    if (typeof value === "function") return `function ${(value as { name: string }).name}`;
    if (typeof value !== "object" || value === null)
      return Object.is(value, -0)
        ? "-0"
        : typeof value === "bigint"
          ? `${value}n`
          : typeof value === "string"
            ? JSON.stringify(value)
            : String(value);
    const known = seen.get(value);
    if (known !== undefined) return `#${known}`;
    seen.set(value, seen.size);
    const name = (value as { constructor?: { name?: string } }).constructor?.name ?? "null";
    return `${name}{${contents(value, name)}}`;
  };
  const members = (value: object): string =>
    Object.keys(value)
      .map((key) => `${key}:${print((value as Record<string, unknown>)[key])}`)
      .join();
  const contents = (value: object, name: string): string => {
    const tag = Object.prototype.toString.call(value).slice(8, -1);
    if (value instanceof Map) return Array.from(value, ([key, item]) => `${print(key)}=>${print(item)}`).join();
    if (value instanceof Set) return Array.from(value, print).join();
    if (value instanceof Date) return String(value.getTime());
    if (value instanceof ArrayBuffer) return new Uint8Array(value).join();
    if (name === "Buffer") return (value as Uint8Array).join();
    if (ArrayBuffer.isView(value))
      return `${tag},${value.byteOffset},${new Uint8Array(value.buffer, value.byteOffset, value.byteLength).join()}`;
    if (value instanceof Error) {
      const { message } = value;
      const parts = ["cause", "errors"]
        .filter((key) => key in value)
        .map((key) => `${key}:${print((value as unknown as Record<string, unknown>)[key])}`);
      return `${value.name}:${message};${parts.join()};${members(value)}`;
    }
    if (["Number", "String", "Boolean", "BigInt"].includes(tag)) return print(value.valueOf());
    if (tag === "RegExp" || tag === "URL" || tag === "URLSearchParams") return String(value);
    if (tag === "AbortSignal") return `${(value as AbortSignal).aborted},${print((value as AbortSignal).reason)}`;
    if (tag === "Headers") return JSON.stringify(Array.from(value as Headers));
    if (tag === "FormData") return Array.from(value as FormData, ([key, item]) => `${key}=${print(item)}`).join();
    if (tag === "Blob") return `${(value as Blob).type},${(value as Blob).size}`;
    if (tag === "File") return `${(value as File).name},${(value as File).type},${(value as File).size},${(value as File).lastModified}`;
    if (tag === "Request") return `${(value as Request).method} ${(value as Request).url} ${print((value as Request).headers)}`;
    if (tag === "Response")
      return `${(value as Response).status} ${(value as Response).statusText} ${(value as Response).url} ${print((value as Response).headers)}`;
    return Array.isArray(value) ? `${value.length};${members(value)}` : members(value);
  };
  return print(root);
}
