import { cpus } from "node:os";

import type { Request } from "./request.ts";

/** A figure: a number, or numbers by the size that they were measured at. */
export type Figure = number | Readonly<Record<string, number>>;

/** What a figure must reach. */
export interface Target {
  /** A figure's name, or of one by size `ms at 1,000`. */
  readonly figure: string;
  readonly op: ">=" | "<=";
  readonly bound: number;
}

/** What a benchmark found out. */
export interface Measurement {
  readonly figures: Readonly<Record<string, Figure>>;
  readonly targets: readonly Target[];
  /** How often it was measured: windows, rounds. */
  readonly runs: number;
  /** The storage, with its version. */
  readonly database: string;
}

/** The JSON object of a benchmark. */
export interface Report {
  readonly name: string;
  readonly world: string;
  readonly machine: { readonly cores: number; readonly node: string; readonly database: string };
  readonly figures: Readonly<Record<string, Figure>>;
  readonly targets: readonly (Target & { readonly met: boolean })[];
  /** True when every target is. */
  readonly met: boolean;
  readonly runs: number;
  /** Options that differ from their defaults; left out when none does. */
  readonly options?: Readonly<Record<string, number | null>>;
}

/** Joins what was asked for and what was found; figures keep four significant digits. */
export function createReport(request: Request, { figures, targets, runs, database }: Measurement): Report {
  const numbers = new Map(Object.entries(figures).flatMap(([name, figure]) => namedNumbers(name, figure)));
  const judged = targets.map((target) => ({ ...target, met: isMet(target, numbers.get(target.figure)) }));
  const options = Object.fromEntries(request.given.map((name) => [name, request.options[name] ?? null]));
  return {
    name: request.name,
    world: request.world,
    machine: { cores: cpus().length, node: process.versions.node, database },
    figures: Object.fromEntries(Object.entries(figures).map(([name, figure]) => [name, rounded(figure)])),
    targets: judged,
    met: judged.every(({ met }) => met),
    runs,
    ...(request.given.length > 0 && { options }),
  };
}

/** A figure's numbers under the names that tables and targets have for them. */
export function namedNumbers(name: string, figure: Figure): [name: string, value: number][] {
  if (typeof figure === "number") return [[name, figure]];
  return Object.entries(figure).map(([size, value]) => [`${name} at ${Number(size).toLocaleString("en")}`, value]);
}

function isMet({ figure: name, op, bound }: Target, figure: number | undefined): boolean {
  if (figure === undefined) throw new TypeError(`The target "${name}" is not among the figures.`);
  return op === ">=" ? figure >= bound : figure <= bound;
}

function rounded(figure: Figure): Figure {
  if (typeof figure !== "number") return Object.fromEntries(Object.entries(figure).map(([size, value]) => [size, round(value)]));
  return round(figure);
}

function round(value: number): number {
  return Number.isInteger(value) || Math.abs(value) >= 1000 ? Math.round(value) : Number(value.toPrecision(4));
}
