import type { EnvironmentModuleNode } from "vite";

/** The generated modules that were made from a file, by the files that each was made from. */
export function staleModules(
  file: string,
  inputs: ReadonlyMap<string, ReadonlySet<string>>,
  find: (id: string) => EnvironmentModuleNode | undefined,
): EnvironmentModuleNode[] {
  return [...inputs].flatMap(([id, files]) => {
    const module = files.has(file) ? find(id) : undefined;
    return module === undefined ? [] : [module];
  });
}
