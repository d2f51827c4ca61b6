/**
 * Mends async_hooks' stack after the watchdog.
 *
 * Where promise hooks are on (AsyncLocalStorage before Node 24, any `async_hooks.createHook`), Node pushes an entry as a promise reaction starts and pops
 * it as it ends. A reaction that is terminated never ends: the entry stays, and Node aborts the process when the next callback pops its own and finds another
 * ("async hook stack has become corrupted"). There is one place where Node empties the stack: after an uncaught exception that was handled. So the callback that
 * called the realm ends with one, which a capture callback, set for just this moment, handles.
 */
import { executionAsyncId } from "node:async_hooks";
/** Runs `callback` at the bottom of the stack, as `setImmediate` does; to be called by `setImmediate` and nothing else. */
export function atBottomOfStack(callback) {
  const before = executionAsyncId();
  callback();
  if (executionAsyncId() === before) return;
  const marker = new Error("Workflow code was stopped by the watchdog; this error only clears the stack of async_hooks.");
  if (!process.hasUncaughtExceptionCaptureCallback()) {
    process.setUncaughtExceptionCaptureCallback(() => process.setUncaughtExceptionCaptureCallback(null));
  }
  throw marker;
}
