import { randomFillSync } from "node:crypto";
import { withSlot } from "@perdure/world";

const pool = Buffer.alloc(4096);
let position = pool.length;

/** A UUID of version 7 in a slot. */
export function newRunId(slot: number): string {
  if (position === pool.length) {
    randomFillSync(pool);
    position = 0;
  }
  const bytes = pool.subarray(position, (position += 16));
  bytes.writeUIntBE(Date.now(), 0, 6);
  bytes[6] = (bytes[6]! & 0x0f) | 0x70;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = bytes.toString("hex");
  const id = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  return withSlot(id, slot);
}
