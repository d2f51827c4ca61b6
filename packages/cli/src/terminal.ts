import { once } from "node:events";
import { styleText } from "node:util";

/** Where a command writes. */
export interface Terminal {
  /** Its width, or null where there is none: output goes to a file or another program. */
  readonly columns: number | null;
  /** To standard output, for the result and nothing else. */
  out(text: string): void;
  /** To standard error, for everything that is said about it. */
  err(text: string): void;
  /** As `out` and `err`, for what another process prints: resolves when there is room for more. */
  passOn(to: "out" | "err", text: string): Promise<void>;
  /** Text in a colour of standard output, or as it is where there are none. */
  style(format: TextStyle, text: string): string;
}

export type TextStyle = "bold" | "dim" | "green" | "yellow";

/** The terminal of this process. Colours only on a terminal that has some; `NO_COLOR` and its relatives are respected. */
export function processTerminal(): Terminal {
  const { stdout, stderr } = process;
  const colours = stdout.isTTY && stdout.hasColors();
  const streams = { out: writerOf(stdout), err: writerOf(stderr) };
  return {
    columns: stdout.isTTY ? stdout.columns : null,
    out: (text) => void stdout.write(text),
    err: (text) => void stderr.write(text),
    passOn: (to, text) => streams[to](text),
    style: (format, text) => (colours ? styleText(format, text, { validateStream: false }) : text),
  };
}

/** Many may wait for one stream to drain: they share a listener. */
function writerOf(stream: NodeJS.WriteStream): (text: string) => Promise<void> {
  let drained: Promise<unknown> | null = null;
  return async (text) => {
    if (stream.write(text)) return;
    await (drained ??= once(stream, "drain").finally(() => (drained = null)));
  };
}
