import { dateArguments, installLocalTime, parseUtc } from "./local-time.ts";
import { installLocale } from "./locale.ts";
import { currentRunOrNull } from "./run-state.ts";

/** The time that workflow code sees. Outside of a delivery (a module of the runtime is evaluated) time stands at zero. */
function now(): number {
  return currentRunOrNull()?.now ?? 0;
}

/**
 * Makes the realm's clocks read the run's time: `Date` in all its forms (also as `new Date().constructor`), `Intl.DateTimeFormat` without an argument, and
 * `performance.now()`.
 */
export function installClock(global: Record<string, unknown>): void {
  const RunDate = createDate({ read: dateArguments, parse: parseUtc });
  const { prototype } = Date;
  Object.defineProperty(prototype, "constructor", { value: RunDate, configurable: true, writable: true });
  Object.defineProperty(global, "Date", { value: RunDate, configurable: true, writable: true });
  installLocalTime();
  installIntl();
  installLocale();
  installTemporal();
  Object.defineProperty(global, "performance", { value: createPerformance(), configurable: true, writable: true });
}

/** `performance` with the run's time, whose origin is the run's start. */
export function createPerformance(): object {
  return Object.freeze({
    now: () => now() - (currentRunOrNull()?.startedAt ?? 0),
    get timeOrigin() {
      return currentRunOrNull()?.startedAt ?? 0;
    },
  });
}

/** How `Date` understands what says nothing of a time zone. */
interface LocalTime {
  /** The arguments of `new Date()` as the platform should get them. */
  readonly read: (args: readonly unknown[]) => unknown[];
  readonly parse: (text: string) => number;
}

const hostTime: LocalTime = { read: (args) => [...args], parse: Date.parse };

/** Where the platform has `Temporal`, its clock is the run's, and its time zone UTC. */
function installTemporal(): void {
  const { Temporal } = globalThis as unknown as { Temporal?: TemporalLike };
  if (!Temporal) return;
  const instant = (): InstantLike => Temporal.Instant.fromEpochMilliseconds(now());
  const zoned = (zone: unknown = "UTC"): ZonedLike => instant().toZonedDateTimeISO(zone);
  const methods = {
    instant,
    timeZoneId: () => "UTC",
    zonedDateTimeISO: zoned,
    plainDateTimeISO: (zone?: unknown) => zoned(zone).toPlainDateTime(),
    plainDateISO: (zone?: unknown) => zoned(zone).toPlainDate(),
    plainTimeISO: (zone?: unknown) => zoned(zone).toPlainTime(),
  };
  for (const [name, value] of Object.entries(methods))
    Object.defineProperty(Temporal.Now, name, { value, configurable: true, writable: true });
}

interface ZonedLike {
  toPlainDateTime(): object;
  toPlainDate(): object;
  toPlainTime(): object;
}

interface InstantLike {
  toZonedDateTimeISO(zone: unknown): ZonedLike;
}

interface TemporalLike {
  readonly Now: object;
  readonly Instant: { fromEpochMilliseconds(ms: number): InstantLike };
}

/** `Date` with the run's time. Its instances are dates like all others. */
export function createDate({ read, parse }: LocalTime = hostTime): object {
  const RealDate = Date;
  function RunDate(this: unknown, ...args: unknown[]): unknown {
    if (!new.target) return new RealDate(now()).toString();
    const values = args.length === 0 ? [now()] : read(args);
    return Reflect.construct(RealDate, values, new.target);
  }
  Object.defineProperty(RunDate, "name", { value: "Date", configurable: true });
  Object.defineProperty(RunDate, "length", { value: 7, configurable: true });
  Object.defineProperty(RunDate, "prototype", { value: RealDate.prototype });
  Object.defineProperty(RunDate, "now", { value: now, configurable: true, writable: true });
  Object.defineProperty(RunDate, "parse", { value: parse, configurable: true, writable: true });
  Object.defineProperty(RunDate, "UTC", { value: RealDate.UTC, configurable: true, writable: true });
  return RunDate;
}

function installIntl(): void {
  const prototype = Intl.DateTimeFormat.prototype;
  const format = Object.getOwnPropertyDescriptor(prototype, "format")?.get;
  if (format) {
    Object.defineProperty(prototype, "format", {
      configurable: true,
      get(this: Intl.DateTimeFormat) {
        const bound = format.call(this) as (date?: number | Date) => string;
        return (date?: number | Date) => bound(date ?? now());
      },
    });
  }
  const formatToParts = prototype.formatToParts;
  Object.defineProperty(prototype, "formatToParts", {
    configurable: true,
    writable: true,
    value(this: Intl.DateTimeFormat, date?: number | Date) {
      return formatToParts.call(this, date ?? now());
    },
  });
}
