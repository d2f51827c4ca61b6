import { pathToFileURL } from "node:url";

/** One call of a workflow. */
type Call = readonly [workflow: (...args: unknown[]) => Promise<unknown>, ...args: unknown[]];

/** What a fixture's `run.ts` exports: the calls to make, or in its absence the fixture's module. */
export interface Program {
  readonly default?: readonly Call[];
  readonly input?: Readonly<Record<string, Call[0]>>;
  /** Set where a call is meant to fail. */
  readonly fails?: true;
  /** Steps that no call reaches: the part of the id behind `#`, and the reason. */
  readonly unused?: Readonly<Record<string, string>>;
}

/** How a call ended. Of an error, what survives the way through history whatever its class. */
export type Outcome = { readonly value: unknown } | { readonly error: { readonly name: string; readonly message: string } };

/** Evaluates a program anew: the same file under another query has state of its own. */
export async function loadProgram(file: string, query: string): Promise<Program> {
  return (await import(/* @vite-ignore */ `${pathToFileURL(file).href}?${query}`)) as Program;
}

/** The calls of a program. `path`: that of its only workflow, for a program that names no calls. */
export function callsOf(program: Program, path: string): readonly Call[] {
  if (program.default) return program.default;
  const workflow = program.input?.[path] ?? program.input?.["default"];
  if (!workflow) throw new Error("This fixture has no exported workflow: say what to run in a run.ts.");
  return [[workflow]];
}

/** The outcome of a promise. */
export async function outcomeOf(call: () => Promise<unknown>): Promise<Outcome> {
  try {
    return { value: await call() };
  } catch (error) {
    if (!(error instanceof Error)) return { value: { thrown: error } };
    return { error: { name: error.name, message: error.message } };
  }
}
