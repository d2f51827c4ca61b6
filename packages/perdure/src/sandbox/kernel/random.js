/** @param seed 32 hex digits */
export function createRandom(seed) {
  let a = Number.parseInt(seed.slice(0, 8), 16) | 0;
  let b = Number.parseInt(seed.slice(8, 16), 16) | 0;
  let c = Number.parseInt(seed.slice(16, 24), 16) | 0;
  let counter = Number.parseInt(seed.slice(24, 32), 16) | 0;
  function next() {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + sum) | 0;
    return sum >>> 0;
  }
  for (let round = 0; round < 12; round++) next();
  return { next };
}
/** A double in [0, 1) with 53 random bits. */
export function nextDouble(random) {
  return ((random.next() >>> 5) * 67_108_864 + (random.next() >>> 6)) / 9_007_199_254_740_992;
}
/** Fills bytes. */
export function fillBytes(random, bytes) {
  for (let index = 0; index < bytes.length; index++) bytes[index] = random.next() & 0xff;
}
/** A UUID version 4 from the run's chance. */
export function nextUuid(random) {
  const bytes = new Uint8Array(16);
  fillBytes(random, bytes);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
