/**
 * Leaves only frames of workflow code in the stacks of the realm's errors. The host's frames differ between live and replay, so that code which looks
 * at `error.stack` would go another way.
 */
export function installStacks() {
  Object.defineProperty(Error, "prepareStackTrace", {
    value: (error, sites) => {
      const frames = sites.filter((site) => site.getFileName()?.startsWith("perdure:workflow/"));
      return [headline(error), ...frames.map((site) => `    at ${site.toString()}`)].join("\n");
    },
  });
}
function headline(error) {
  try {
    return Error.prototype.toString.call(error);
  } catch {
    return "Error";
  }
}
