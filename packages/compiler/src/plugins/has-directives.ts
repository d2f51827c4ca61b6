import { readFileSync } from "node:fs";
import path from "node:path";
import { mayHaveDirectives } from "../parse/pre-filter.ts";

/**
 * Whether a resolved module is a file that may have directives. Such a module has side effects, whatever its package.json says: its
 * steps must register, which no bundler takes for a use.
 */
export function hasDirectives(file: string): boolean {
  if (!/\.[cm]?[jt]sx?$/.test(file) || !path.isAbsolute(file)) return false;
  try {
    return mayHaveDirectives(readFileSync(file, "utf8"));
  } catch {
    return false; // no file: another plugin's module
  }
}
