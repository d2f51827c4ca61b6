import { randomFillSync } from "node:crypto";

const pool = Buffer.alloc(4096);
let position = pool.length;

/** Random bytes from the system's generator, drawn in bulk: one system call serves many. The array is a view that is valid until the next call. */
export function randomBytes16(): Uint8Array {
  if (position === pool.length) {
    randomFillSync(pool);
    position = 0;
  }
  const bytes = pool.subarray(position, position + 16);
  position += 16;
  return bytes;
}
