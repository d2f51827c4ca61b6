import { locateModule } from "./module-location.ts";

/** A package whose modules all runs of a process share. */
export interface SharedPackage {
  readonly name: string;
  /** Names of what it exports that reads or changes state of its modules: a workflow that uses one has modules of its own. */
  readonly state: readonly string[];
}

/** Decides which modules are shared. */
export interface SharedPackages {
  /** The package of a file, if it is shared. */
  find(file: string): SharedPackage | null;
  /** The name of the package of a file that nothing was said about: neither shared, nor taken off the list, nor the workflow's own. */
  undecided(file: string): string | null;
  withMore(names: readonly string[]): SharedPackages;
  withLess(names: readonly string[]): SharedPackages;
}

const lodash = ["uniqueId", "mixin", "templateSettings"];

/**
 * The packages that are shared unless an application says otherwise. Each was read for what its modules keep between two calls: caches of what comes
 * out the same every time are fine, all else is named here. docs/decisions/0012-shared-packages.md says what was found, and what is not on the list.
 */
const known: ReadonlyMap<string, readonly string[]> = new Map([
  ["zod", ["config", "globalRegistry", "setErrorMap"]],
  [
    "valibot",
    ["Config", "Message"]
      .flatMap((kind) => [`setGlobal${kind}`, `deleteGlobal${kind}`])
      .concat(["Schema", "Specific"].flatMap((kind) => [`set${kind}Message`, `delete${kind}Message`])),
  ],
  ["lodash", lodash],
  ["lodash-es", lodash],
  ["date-fns", ["setDefaultOptions"]],
  ["ramda", []],
  ["ai", []],
  ["@ai-sdk/*", []],
]);

/**
 * The shared packages of an application.
 * @param changes names of further packages, `@scope/*` for all of a scope; with `!` in front, those that are not shared. The last that fits decides.
 * @param ownRoot the folder of the workflow's own package, which is never shared
 */
export function createSharedPackages(changes: readonly string[], ownRoot: string): SharedPackages {
  const patterns = [...known.keys(), ...changes];
  const decisionOf = (name: string): string | undefined => patterns.findLast((pattern) => fits(name, pattern.replace(/^!/, "")));
  return {
    find(file) {
      const { name, root } = locateModule(file);
      const decision = root === ownRoot ? undefined : decisionOf(name);
      return decision === undefined || decision.startsWith("!") ? null : { name, state: stateOf(name) };
    },
    undecided(file) {
      const { name, root } = locateModule(file);
      return root === ownRoot || decisionOf(name) !== undefined ? null : name;
    },
    withMore: (names) => createSharedPackages([...changes, ...names], ownRoot),
    withLess: (names) => createSharedPackages([...changes, ...names.map((name) => `!${name}`)], ownRoot),
  };
}

function fits(name: string, pattern: string): boolean {
  return pattern.endsWith("/*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}

function stateOf(name: string): readonly string[] {
  const [pattern] = [...known.keys()].filter((one) => fits(name, one));
  return known.get(pattern ?? "") ?? [];
}
