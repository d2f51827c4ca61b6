import { fromByteArray, toByteArray } from "base64-js";

import { useBase64 } from "../../codec/index.ts";
import { createConsole } from "./console.ts";
import { createCrypto } from "./crypto.ts";
import { nextDouble } from "./random.ts";
import { createRefusals } from "./refusals.ts";
import { chanceOf, currentRun } from "./run-state.ts";
import { DOMException } from "./web/dom-exception.ts";

/**
 * Gives the realm the globals that are deterministic inside a run, and makes the ones that are not say so when they are called. They stay
 * invisible to `typeof process`-like checks of libraries where they would be read and not called.
 */
export function installGlobals(global: Record<string, unknown>): void {
  const define = (name: string, value: unknown): void => {
    Object.defineProperty(global, name, { value, configurable: true, writable: true });
  };
  Object.defineProperty(Math, "random", { value: () => nextDouble(chanceOf(currentRun())), configurable: true, writable: true });
  define("crypto", createCrypto());
  define("console", createConsole());
  define("btoa", toBase64);
  define("atob", fromBase64);
  define("DOMException", Object.defineProperty(DOMException, "name", { value: "DOMException", configurable: true }));
  define("queueMicrotask", (callback: () => void) => void Promise.resolve().then(callback));
  for (const [name, refuse] of Object.entries(createRefusals())) define(name, refuse);
  // Node adds them to its own realm as long as V8 has them not.
  for (const name of ["dispose", "asyncDispose"]) {
    if (!(name in Symbol)) Object.defineProperty(Symbol, name, { value: Symbol(`Symbol.${name}`) });
  }
  forgetMatches();
  useBase64({ toText: fromByteArray, toBytes: (text) => toByteArray(text) as Uint8Array<ArrayBuffer> });
  for (const name of ["WeakRef", "FinalizationRegistry", "SharedArrayBuffer", "Atomics", "WebAssembly"]) delete global[name];
}

/** `RegExp.$1` and the like tell of the last match in the realm, whosever it was. */
function forgetMatches(): void {
  for (const key of Reflect.ownKeys(RegExp)) {
    if (typeof key === "string" && /^(?:input|last|left|right|\$)/.test(key)) Reflect.deleteProperty(RegExp, key);
  }
}

/** `btoa` of the HTML standard: one byte per character. */
function toBase64(text: string): string {
  const bytes = Uint8Array.from(String(text), (character) => {
    const code = character.charCodeAt(0);
    if (code > 255) throw new DOMException("btoa() takes characters up to U+00FF.", "InvalidCharacterError");
    return code;
  });
  return fromByteArray(bytes);
}

/** `atob` of the HTML standard; bytes come as characters. */
function fromBase64(text: string): string {
  const compact = String(text)
    .replace(/[\t\n\f\r ]/g, "")
    .replace(/={1,2}$/, "");
  if (/[^A-Za-z0-9+/]/.test(compact) || compact.length % 4 === 1) throw new DOMException("atob() takes base64.", "InvalidCharacterError");
  const bytes = toByteArray(compact.padEnd(Math.ceil(compact.length / 4) * 4, "="));
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}
