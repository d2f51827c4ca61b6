import type { Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";

/** A line that is longer is printed in pieces. */
const longestLine = 64 * 1024;

/**
 * Passes on what a process prints, line by line, each behind `prefix`, so that the lines of several processes do not mix. Reads no faster than `write`
 * takes it. Resolves at the end of the stream.
 */
export async function relay(from: Readable, prefix: string, write: (text: string) => Promise<void>): Promise<void> {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  for await (const chunk of from) {
    const lines = (rest + decoder.write(chunk as Buffer)).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > longestLine) {
      lines.push(rest);
      rest = "";
    }
    if (lines.length > 0) await write(lines.map((line) => `${prefix}${line}\n`).join(""));
  }
  rest += decoder.end();
  if (rest !== "") await write(`${prefix}${rest}\n`);
}
