import type { Metafile } from "esbuild";

/**
 * The files from the entry (left out) to the one that imports `module`, by the shortest way through files that are in the output. The
 * search goes on through all inputs if there is no such way.
 */
export function importChain(metafile: Metafile, entry: string, module: string, included: readonly string[]): string[] {
  const imports = (file: string) =>
    metafile.inputs[file]?.imports.some((imported) => imported.external === true && imported.path === module) === true;
  return search(metafile, entry, imports, new Set(included)) ?? search(metafile, entry, imports, null) ?? [];
}

/** The files from the entry (left out) to a file of the output, found in the same way. */
export function chainTo(metafile: Metafile, entry: string, file: string, included: readonly string[]): string[] {
  const isFile = (name: string) => name === file;
  return search(metafile, entry, isFile, new Set(included)) ?? search(metafile, entry, isFile, null) ?? [];
}

type Goal = (file: string) => boolean;

function search({ inputs }: Metafile, entry: string, isGoal: Goal, only: ReadonlySet<string> | null): string[] | null {
  const queue: string[][] = [[entry]];
  const seen = new Set([entry]);
  for (let chain = queue.shift(); chain !== undefined; chain = queue.shift()) {
    const file = chain.at(-1) ?? "";
    if (isGoal(file)) return chain.slice(1);
    for (const { path, external } of inputs[file]?.imports ?? []) {
      if (external === true || seen.has(path) || (only !== null && !only.has(path))) continue;
      seen.add(path);
      queue.push([...chain, path]);
    }
  }
  return null;
}
