import type { Watcher } from "./plugin-state.ts";

/**
 * Watches folders with a watcher that takes each with all that is in it: those that are in another one go without saying, and so does
 * the first, the package's own, because `node_modules` is in it.
 */
export function watchSubfolders(watcher: Watcher, [, ...folders]: readonly string[]): void {
  for (const folder of folders) watcher.addWatchFile(folder);
}
