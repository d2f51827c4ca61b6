import { currentRunOrNull } from "./run-state.ts";
/** Lines go to the host, which prints them once: on a replay they were printed before. */
export function createConsole() {
  const console = {};
  for (const level of ["debug", "log", "info", "warn", "error", "trace"]) {
    console[level] = (...values) => {
      currentRunOrNull()?.out.push("log", level === "trace" ? "debug" : level, values.map(show).join(" "), "");
    };
  }
  for (const name of ["group", "groupEnd", "time", "timeEnd", "assert", "count", "table", "dir"]) console[name] ??= () => undefined;
  return Object.freeze(console);
}
function show(value) {
  if (typeof value === "string") return value;
  if (value instanceof Error) return value.stack ?? String(value);
  if (typeof value !== "object" || value === null) return String(value);
  try {
    return JSON.stringify(value);
  } catch {
    return Object.prototype.toString.call(value);
  }
}
