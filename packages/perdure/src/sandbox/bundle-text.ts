import { createHash } from "node:crypto";

import { PerdureError } from "../errors/perdure-error.ts";

/** The parts of a bundle's text; what they are is said in docs/decisions/0001-compiled-code.md. */
export interface BundleText {
  /** The code that is evaluated for each run. */
  readonly main: string;
  /** The code that all runs of a process share; null if there is none. */
  readonly shared: string | null;
}

const head = /^\/\*perdure:(?:1|2 (\d+))\*\//;

/** @throws PROTOCOL_UNSUPPORTED */
export function splitBundle(code: string, workflowId: string): BundleText {
  const found = head.exec(code);
  if (!found) {
    const other = /^\/\*(.{0,40}?)\*\//.exec(code)?.[1] ?? "no protocol number";
    throw new PerdureError(
      "PROTOCOL_UNSUPPORTED",
      `The code of workflow "${workflowId}" says "${other}", this runtime speaks "perdure:1" and "perdure:2".`,
    );
  }
  if (found[1] === undefined) return { main: code, shared: null };
  const end = code.length - Number(found[1]);
  return { main: code.slice(0, end), shared: code.slice(end) };
}

/** The name of a shared part: the SHA-256 of its text, in lower-case hexadecimal. */
export function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
