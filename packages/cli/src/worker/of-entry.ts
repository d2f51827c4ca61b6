import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

/** A module of `perdure` as an entry sees it: its own copy, or ours where it has none because it is one file with all that it needs. */
export async function ofEntry<T>(entry: string, name: string, ours: () => Promise<T>): Promise<T> {
  let path: string;
  try {
    path = createRequire(pathToFileURL(entry)).resolve(name);
  } catch {
    return ours();
  }
  return (await import(pathToFileURL(path).href)) as T;
}
