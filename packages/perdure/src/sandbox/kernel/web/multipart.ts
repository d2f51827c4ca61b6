import { TextDecoder, TextEncoder } from "@exodus/bytes/encoding-lite.js";

import { Blob, concatBytes, File } from "./blob.ts";
import { FormData } from "./form-data.ts";

const crlf = "\r\n";

/** A form as `multipart/form-data` (RFC 7578, as the HTML standard writes it). The boundary comes from the run's chance. */
export function writeMultipart(form: FormData): { readonly bytes: Uint8Array<ArrayBuffer>; readonly type: string } {
  const digits = Array.from({ length: 3 }, () => Math.trunc(Math.random() * 1e9).toString().padStart(9, "0")); // prettier-ignore
  const boundary = `----formdata-perdure-${digits.join("")}`;
  const encoder = new TextEncoder();
  const pieces: Uint8Array[] = [];
  for (const [name, value] of form) {
    pieces.push(
      encoder.encode(`--${boundary}${crlf}Content-Disposition: form-data; name="${escapeName(name.replace(/\r?\n|\r/g, crlf))}"`),
    );
    if (typeof value === "string") pieces.push(encoder.encode(`${crlf}${crlf}${value.replace(/\r?\n|\r/g, crlf)}${crlf}`));
    else {
      const type = value.type || "application/octet-stream";
      pieces.push(encoder.encode(`; filename="${escapeName(value.name)}"${crlf}Content-Type: ${type}${crlf}${crlf}`));
      pieces.push(bytesOf(value), encoder.encode(crlf));
    }
  }
  pieces.push(encoder.encode(`--${boundary}--${crlf}`));
  return { bytes: concatBytes(pieces), type: `multipart/form-data; boundary=${boundary}` };
}

function bytesOf(blob: Blob): Uint8Array {
  return (blob as unknown as Record<symbol, () => Uint8Array>)[Symbol.for("perdure.bytes")]?.() ?? new Uint8Array();
}

function escapeName(name: string): string {
  return name.replaceAll("\n", "%0A").replaceAll("\r", "%0D").replaceAll('"', "%22");
}

/** The opposite of {@link writeMultipart}. @throws TypeError if it is not well-formed */
export function readMultipart(bytes: Uint8Array, boundary: string): FormData {
  // One character per byte, so that positions are the same.
  const text = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  const form = new FormData();
  const parts = `${crlf}${text}`.split(`${crlf}--${boundary}`);
  if (parts.length < 2 || !parts.at(-1)?.startsWith("--")) throw new TypeError("The form is not well-formed.");
  for (const part of parts.slice(1, -1)) {
    const end = part.indexOf(crlf + crlf);
    const head = part.slice(0, end);
    const name = parameter(head, "name");
    if (end < 0 || name === null) throw new TypeError("A part of the form has no name.");
    const body = Uint8Array.from(part.slice(end + 4), (character) => character.charCodeAt(0));
    const filename = parameter(head, "filename");
    const type = /^content-type:[ \t]*(.*?)[ \t]*$/im.exec(head)?.[1] ?? "text/plain";
    form.append(
      name,
      filename === null ? new TextDecoder("utf-8", { ignoreBOM: true }).decode(body) : new File([body], filename, { type }),
    );
  }
  return form;
}

function parameter(head: string, name: string): string | null {
  const found = new RegExp(`^content-disposition:[^\\r\\n]*;[ \\t]*${name}="([^"]*)"`, "im").exec(head)?.[1];
  if (found === undefined) return null;
  const text = new TextDecoder().decode(Uint8Array.from(found, (character) => character.charCodeAt(0)));
  return text.replace(/%0A/gi, "\n").replace(/%0D/gi, "\r").replace(/%22/g, '"');
}
