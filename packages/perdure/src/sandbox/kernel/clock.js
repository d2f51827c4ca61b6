import { currentRunOrNull } from "./run-state.ts";
/** The time that workflow code sees. Outside of a delivery (a module of the runtime is evaluated) time stands at zero. */
function now() {
  return currentRunOrNull()?.now ?? 0;
}
/**
 * Makes the realm's clocks read the run's time: `Date` in all its forms (also as `new Date().constructor`), `Intl.DateTimeFormat` without an argument, and
 * `performance.now()`.
 */
export function installClock(global) {
  const RunDate = createDate();
  const { prototype } = Date;
  Object.defineProperty(prototype, "constructor", { value: RunDate, configurable: true, writable: true });
  Object.defineProperty(global, "Date", { value: RunDate, configurable: true, writable: true });
  installIntl();
  Object.defineProperty(global, "performance", { value: createPerformance(), configurable: true, writable: true });
}
/** `performance` with the run's time, whose origin is the run's start. */
export function createPerformance() {
  return Object.freeze({
    now: () => now() - (currentRunOrNull()?.startedAt ?? 0),
    get timeOrigin() {
      return currentRunOrNull()?.startedAt ?? 0;
    },
  });
}
/** `Date` with the run's time. Its instances are dates like all others. */
export function createDate() {
  const RealDate = Date;
  function RunDate(...args) {
    if (!new.target) return new RealDate(now()).toString();
    const values = args.length === 0 ? [now()] : args;
    return Reflect.construct(RealDate, values, new.target);
  }
  Object.defineProperty(RunDate, "name", { value: "Date", configurable: true });
  Object.defineProperty(RunDate, "length", { value: 7, configurable: true });
  Object.defineProperty(RunDate, "prototype", { value: RealDate.prototype });
  Object.defineProperty(RunDate, "now", { value: now, configurable: true, writable: true });
  Object.defineProperty(RunDate, "parse", { value: RealDate.parse, configurable: true, writable: true });
  Object.defineProperty(RunDate, "UTC", { value: RealDate.UTC, configurable: true, writable: true });
  return RunDate;
}
function installIntl() {
  const prototype = Intl.DateTimeFormat.prototype;
  const format = Object.getOwnPropertyDescriptor(prototype, "format")?.get;
  if (format) {
    Object.defineProperty(prototype, "format", {
      configurable: true,
      get() {
        const bound = format.call(this);
        return (date) => bound(date ?? now());
      },
    });
  }
  const formatToParts = prototype.formatToParts;
  Object.defineProperty(prototype, "formatToParts", {
    configurable: true,
    writable: true,
    value(date) {
      return formatToParts.call(this, date ?? now());
    },
  });
}
