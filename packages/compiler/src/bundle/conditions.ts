/** The condition under which the packages of this repository resolve to their sources. */
export const SOURCE_CONDITION = "@perdure/source";

// The first that a package knows decides. Libraries for edge runtimes and browsers come without Node's built-ins.
const base = ["workflow", "edge-light", "browser", "import"];

/** The export conditions under which a bundle resolves packages. */
export function bundleConditions(extra: readonly string[] = []): string[] {
  const wantsSource = extra.includes(SOURCE_CONDITION) || runsOnSources();
  return [...new Set([...base, ...extra, ...(wantsSource ? [SOURCE_CONDITION] : [])])];
}

/** Whether Node was started with `--conditions=@perdure/source`. */
function runsOnSources(): boolean {
  const flags = [...process.execArgv, ...(process.env["NODE_OPTIONS"] ?? "").split(/\s+/)];
  return flags.some((flag, index) => {
    if (flag === `--conditions=${SOURCE_CONDITION}` || flag === `-C=${SOURCE_CONDITION}`) return true;
    return (flag === "--conditions" || flag === "-C") && flags[index + 1] === SOURCE_CONDITION;
  });
}
