const realms = new Set();
/** @param promiseClass the realm's own `Promise` */
export function tolerateRejections(promiseClass) {
  if (realms.size === 0) process.on("unhandledRejection", onUnhandledRejection);
  realms.add(promiseClass);
}
function onUnhandledRejection(reason, promise) {
  for (const realm of realms) {
    if (!(promise instanceof realm)) continue;
    process.emitWarning(`A promise in workflow code was rejected and nobody handled it: ${String(reason)}`, "PerdureWarning");
    return;
  }
  if (process.listenerCount("unhandledRejection") === 1) leaveToNode(reason);
}
/** Without listeners Node does what it was told to (`--unhandled-rejections`, by default it ends the process): let it see the rejection again that way. */
function leaveToNode(reason) {
  process.off("unhandledRejection", onUnhandledRejection);
  void Promise.reject(reason);
  setImmediate(() => process.on("unhandledRejection", onUnhandledRejection));
}
