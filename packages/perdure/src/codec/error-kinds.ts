import { createError, ownDataOf } from "./error-values.ts";
import { setOwn, type Kind } from "./kind.ts";
import type { Slot } from "./node.ts";

/** Errors of all classes. Parts that cannot be stored are left out: an error is worth more than the socket that hangs on it. */
export const error: Kind<Error> = {
  write(value, writer) {
    const { head, props, brands } = ownDataOf(value);
    const slots = Object.create(null) as Record<string, Slot>;
    for (const [key, item] of props) if (!writer.isDropped(key)) slots[key] = writer.put(item, key);
    const marks = Object.create(null) as Record<string, Slot>;
    for (const [key, item] of brands) marks[key] = writer.put(item, key);
    const hasCause = "cause" in value && !("cause" in slots) && !writer.isDropped("cause");
    const cause = hasCause ? [writer.put(value.cause, "cause")] : [];
    return [head.class, head.name, head.message, head.stack, slots, marks, ...cause];
  },
  create: ([, name, shown, message, stack, , brands]) =>
    createError(
      { class: String(name), name: String(shown), message: String(message), stack: String(stack) },
      Object.keys(brands ?? {}).length > 0,
    ),
  fill(value, [, , , , , props, brands, ...cause], at) {
    // Members come in their order; one that is set as `this.name = …` has been given another place before.
    if (Object.hasOwn(props as object, "name")) Reflect.deleteProperty(value, "name");
    for (const [key, slot] of Object.entries(props ?? {})) setOwn(value, key, at(slot as Slot), key !== "errors");
    for (const [key, slot] of Object.entries(brands ?? {})) Object.defineProperty(value, Symbol.for(key), { value: at(slot as Slot) });
    if (cause.length > 0) setOwn(value, "cause", at(cause[0]), false);
  },
};

export const domException: Kind<DOMException> = {
  write(value, writer) {
    const cause = "cause" in value && !writer.isDropped("cause") ? [writer.put(value.cause, "cause")] : [];
    return [value.message, value.name, String(value.stack ?? ""), ...cause];
  },
  create([, message, name, stack]) {
    const made = new DOMException(String(message), String(name));
    setOwn(made, "stack", stack, false);
    return made;
  },
  fill(value, [, , , , ...cause], at) {
    if (cause.length > 0) setOwn(value, "cause", at(cause[0]), false);
  },
};
