import type { Kind } from "./kind.ts";
import { openSignal } from "./stream-references.ts";

const controllers = new WeakMap<AbortSignal, AbortController>();

let numberOf: ((signal: AbortSignal) => number) | null = null;

/** Writes signals that are not aborted yet with the numbers by which whoever reads them is told of their end. Others are written as they are now. */
export function withSignalNumbers<T>(number: (signal: AbortSignal) => number, write: () => T): T {
  const before = numberOf;
  numberOf = number;
  try {
    return write();
  } finally {
    numberOf = before;
  }
}

/** A number, or null and the reason, or nothing: it is not aborted and will not be. */
export const abortSignal: Kind<AbortSignal> = {
  write(value, writer) {
    if (value.aborted) return [null, writer.put(value.reason, "reason")];
    return numberOf ? [numberOf(value)] : [];
  },
  create(node) {
    const followed = typeof node[1] === "number" ? openSignal(node[1]) : undefined;
    if (followed) return followed;
    const controller = new AbortController();
    if (node[1] === null) controllers.set(controller.signal, controller);
    return controller.signal;
  },
  fill: (value, [, , reason], at) => controllers.get(value)?.abort(at(reason)),
};
