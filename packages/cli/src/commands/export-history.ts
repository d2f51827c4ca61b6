import { Command } from "commander";
import type { Terminal } from "../terminal.ts";
import { inWorld, type WorldOptions, withWorldOptions } from "../world-options.ts";

interface ExportOptions extends WorldOptions {
  readonly withoutCode?: boolean;
}

/** `perdure export-history <run>`: a run with its whole history, as JSON. */
export function exportHistoryCommand(terminal: Terminal): Command {
  return withWorldOptions(new Command("export-history"))
    .description(
      "Print a run with its whole history as JSON, to be kept and replayed in tests. It holds all data of the run, and what its tokens follow from. Changes nothing.",
    )
    .argument("<run>", "its id")
    .option("--without-code", "leave out the workflow's code and its source map")
    .action(async (id: string, { withoutCode, ...options }: ExportOptions) => {
      const { exportHistory } = await import("perdure/api");
      const history = await inWorld(options, (world) => exportHistory(id, { world, code: !withoutCode }));
      if (history.bundle === null && !withoutCode)
        terminal.err(`perdure: The code of version ${history.version} is not in this World, or was altered; the history is without it.\n`);
      terminal.out(`${JSON.stringify(history, null, 2)}\n`);
    });
}
