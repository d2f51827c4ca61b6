/** What V8 gives to `Error.prepareStackTrace` (https://v8.dev/docs/stack-trace-api). */
interface CallSite {
  getFileName(): string | null | undefined;
  toString(): string;
}

/**
 * Leaves only frames of workflow code in the stacks of the realm's errors. The host's frames differ between live and replay, so that code which looks
 * at `error.stack` would go another way.
 */
export function installStacks(): void {
  Object.defineProperty(Error, "prepareStackTrace", {
    value: (error: unknown, sites: readonly CallSite[]): string => {
      const frames = sites.filter((site) => /^perdure:(?:workflow|shared)\//.test(site.getFileName() ?? ""));
      return [headline(error), ...frames.map((site) => `    at ${site.toString()}`)].join("\n");
    },
  });
}

function headline(error: unknown): string {
  try {
    return Error.prototype.toString.call(error);
  } catch {
    return "Error";
  }
}
