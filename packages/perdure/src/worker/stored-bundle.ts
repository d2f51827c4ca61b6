/**
 * How a World holds a workflow's code: one byte that says the form, four with the length of the compressed code, the code, the source map, each compressed
 * for itself. Code that begins with `{` is of the form before: JSON of both, not compressed.
 *
 * A version is the hash of the code, so that altered code is found out whatever was done to it. The map only says where a line came from and which signatures the
 * steps had: damage is found by the checksum of its compression, and costs those, never the run. It is unpacked when somebody first asks for it.
 */
import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { deflate, inflate, inflateSync } from "node:zlib";

import type { WorkflowBundle } from "../registry.ts";
import { toBytes, toText } from "../run-input.ts";

const compress = promisify<Uint8Array, Buffer>(deflate);
const decompress = promisify(inflate) as (bytes: Uint8Array, options: typeof limits) => Promise<Buffer>;

const form = 1;
const formBefore = 0x7b; // {
const head = 5;
/** What was altered may pretend to be any length. */
const limits = { maxOutputLength: 256 * 1024 * 1024 };

/** The bytes that a World stores. */
export async function packBundle({ code, map }: WorkflowBundle): Promise<Uint8Array> {
  const [packedCode, packedMap] = await Promise.all([compress(toBytes(code)), compress(toBytes(map))]);
  const start = Buffer.alloc(head);
  start.writeUInt8(form);
  start.writeUInt32BE(packedCode.length, 1);
  return Buffer.concat([start, packedCode, packedMap]);
}

/** The bundle in what a World returned; null when that is not the code of this version. */
export async function unpackBundle(bytes: Uint8Array, version: string): Promise<WorkflowBundle | null> {
  const bundle = await read(bytes, version).catch(() => null);
  return bundle && hashOf(bundle.code) === version ? bundle : null;
}

async function read(bytes: Uint8Array, version: string): Promise<WorkflowBundle | null> {
  if (bytes[0] === formBefore) {
    const { code, map } = JSON.parse(toText(bytes)) as { code?: unknown; map?: unknown };
    return typeof code === "string" && typeof map === "string" ? { version, code, map } : null;
  }
  if (bytes[0] !== form) return null;
  const end = head + Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).readUInt32BE(1);
  const code = await decompress(bytes.subarray(head, end), limits);
  // (A copy: the whole would stay in memory with it.)
  return withMap(version, toText(code), bytes.slice(end));
}

function withMap(version: string, code: string, packed: Uint8Array): WorkflowBundle {
  return {
    version,
    code,
    get map() {
      try {
        return toText(inflateSync(packed, limits));
      } catch {
        return "";
      }
    },
  };
}

function hashOf(code: string): string {
  return createHash("sha256").update(code, "utf8").digest("hex");
}
