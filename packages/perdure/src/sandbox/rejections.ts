/**
 * A promise of workflow code that is rejected while nobody listens must not end the process, which belongs to other runs too. Node tells the process of
 * unhandled rejections in every realm; those of the sandbox become warnings, all others are left as they were.
 */
type PromiseClass = new (...args: never[]) => object;

const realms = new Set<PromiseClass>();

/** @param promiseClass the realm's own `Promise` */
export function tolerateRejections(promiseClass: PromiseClass): void {
  if (realms.size === 0) process.on("unhandledRejection", onUnhandledRejection);
  realms.add(promiseClass);
}

function onUnhandledRejection(reason: unknown, promise: unknown): void {
  for (const realm of realms) {
    if (!(promise instanceof realm)) continue;
    process.emitWarning(`A promise in workflow code was rejected and nobody handled it: ${String(reason)}`, "PerdureWarning");
    return;
  }
  if (process.listenerCount("unhandledRejection") === 1) leaveToNode(reason);
}

/** Without listeners Node does what it was told to (`--unhandled-rejections`, by default it ends the process): let it see the rejection again that way. */
function leaveToNode(reason: unknown): void {
  process.off("unhandledRejection", onUnhandledRejection);
  void Promise.reject(reason);
  setImmediate(() => process.on("unhandledRejection", onUnhandledRejection));
}
