import { fromByteArray, toByteArray } from "base64-js";

import { decode, encode } from "../../codec/index.ts";
import { PerdureError } from "../../errors/perdure-error.ts";
import { fillBytes, nextDouble, nextUuid } from "./random.ts";
import { currentRun, currentRunOrNull } from "./run-state.ts";

/**
 * Gives the realm the globals that are deterministic inside a run, and makes the ones that are not say so when they are called. They stay
 * invisible to `typeof process`-like checks of libraries where they would be read and not called.
 */
export function installGlobals(global: Record<string, unknown>): void {
  const define = (name: string, value: unknown): void => {
    Object.defineProperty(global, name, { value, configurable: true, writable: true });
  };
  Object.defineProperty(Math, "random", { value: () => nextDouble(currentRun().random), configurable: true, writable: true });
  define("crypto", Object.freeze({ randomUUID: () => nextUuid(currentRun().random), getRandomValues }));
  define("console", createConsole());
  define("btoa", toBase64);
  define("atob", fromBase64);
  define("structuredClone", (value: unknown) => decode(encode(value, "value")));
  define("queueMicrotask", (callback: () => void) => void Promise.resolve().then(callback));
  const refused: Readonly<Record<string, string>> = {
    setTimeout: "Use `await sleep(…)`: it is durable.",
    setInterval: "Use a loop with `await sleep(…)`: it is durable.",
    setImmediate: "It has no meaning in a durable run.",
    fetch: "Requests belong into a step.",
  };
  for (const [name, advice] of Object.entries(refused)) {
    define(name, () => {
      throw new PerdureError("NOT_AVAILABLE_IN_WORKFLOW", `${name}() is not available in workflow code. ${advice}`);
    });
  }
  for (const name of ["WeakRef", "FinalizationRegistry", "SharedArrayBuffer", "Atomics", "WebAssembly"]) delete global[name];
}

function getRandomValues<T extends ArrayBufferView>(view: T): T {
  fillBytes(currentRun().random, new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
  return view;
}

/** `btoa` of the HTML standard: one byte per character. */
function toBase64(text: string): string {
  const bytes = Uint8Array.from(String(text), (character) => {
    const code = character.charCodeAt(0);
    if (code > 255) throw new RangeError("btoa() takes characters up to U+00FF.");
    return code;
  });
  return fromByteArray(bytes);
}

/** `atob` of the HTML standard; bytes come as characters. */
function fromBase64(text: string): string {
  const compact = String(text)
    .replace(/[\t\n\f\r ]/g, "")
    .replace(/={1,2}$/, "");
  if (/[^A-Za-z0-9+/]/.test(compact) || compact.length % 4 === 1) throw new RangeError("atob() takes base64.");
  const bytes = toByteArray(compact.padEnd(Math.ceil(compact.length / 4) * 4, "="));
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}

/** Lines go to the host, which prints them once: on a replay they were printed before. */
function createConsole(): Record<string, (...values: unknown[]) => void> {
  const console: Record<string, (...values: unknown[]) => void> = {};
  for (const level of ["debug", "log", "info", "warn", "error", "trace"]) {
    console[level] = (...values) => {
      currentRunOrNull()?.out.push("log", level === "trace" ? "debug" : level, values.map(show).join(" "), "");
    };
  }
  for (const name of ["group", "groupEnd", "time", "timeEnd", "assert", "count", "table", "dir"]) console[name] ??= () => undefined;
  return Object.freeze(console);
}

function show(value: unknown): string {
  if (typeof value === "string") return value;
  if (value instanceof Error) return value.stack ?? String(value);
  if (typeof value !== "object" || value === null) return String(value);
  try {
    return JSON.stringify(value);
  } catch {
    return Object.prototype.toString.call(value);
  }
}
