/** What the command line asked for, complete with defaults; `run.mjs` writes it and `main.ts` reads it. */
export interface Request {
  readonly name: string;
  readonly world: string;
  /** Print one JSON object instead of a table. */
  readonly json: boolean;
  readonly options: Readonly<Record<string, number | null>>;
  /** A database server to use, or null: start one where one is needed. */
  readonly url: string | null;
  /** The options that differ from their defaults. */
  readonly given: readonly string[];
}

/** The value of an option that has a default. */
export function optionOf(request: Request, name: string): number {
  const value = request.options[name];
  if (typeof value !== "number") throw new TypeError(`The benchmark ${request.name} has no value for --${name}.`);
  return value;
}
