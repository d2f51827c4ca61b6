import { main } from "../src/main.ts";
import type { Terminal } from "../src/terminal.ts";

/** What a run of the command left behind. */
export interface Outcome {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

/** Runs the command in this process, on a terminal of so many columns, or with its output in a file; styled text stands between `<…>` when `styled` is set. */
export async function run(
  { columns = null, styled = false }: { readonly columns?: number | null; readonly styled?: boolean },
  ...args: string[]
): Promise<Outcome> {
  let [out, err] = ["", ""];
  const terminal: Terminal = {
    columns,
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    passOn: async (to, text) => void (to === "out" ? (out += text) : (err += text)),
    style: (format, text) => (styled ? `<${format}>${text}</${format}>` : text),
  };
  const status = await main(args, terminal);
  return { status, out, err };
}
