import type { Metafile } from "esbuild";

/**
 * The files from the entry (left out) to the one that imports `module`, by the shortest way through files that are in the output. The
 * search goes on through all inputs if there is no such way.
 */
export function importChain(metafile: Metafile, entry: string, module: string, included: readonly string[]): string[] {
  return search(metafile, entry, module, new Set(included)) ?? search(metafile, entry, module, null) ?? [];
}

function search({ inputs }: Metafile, entry: string, module: string, only: ReadonlySet<string> | null): string[] | null {
  const queue: string[][] = [[entry]];
  const seen = new Set([entry]);
  for (let chain = queue.shift(); chain !== undefined; chain = queue.shift()) {
    const imports = inputs[chain.at(-1) ?? ""]?.imports ?? [];
    if (imports.some((imported) => imported.external === true && imported.path === module)) return chain.slice(1);
    for (const { path, external } of imports) {
      if (external === true || seen.has(path) || (only !== null && !only.has(path))) continue;
      seen.add(path);
      queue.push([...chain, path]);
    }
  }
  return null;
}
