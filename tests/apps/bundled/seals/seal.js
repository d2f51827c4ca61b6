import { createHash } from "node:crypto";

/** A step of a package, in plain JavaScript. */
export async function seal(text) {
  "use step";
  return `${text} #${createHash("sha256").update(text).digest("hex").slice(0, 6)}`;
}
