/**
 * The slot of a run's id: 12 bits right behind the variant of the UUID, by which a World of several servers knows where the run lives. Ids of version 7
 * stay in the order of their time.
 */

/** How many slots there are. */
export const SLOTS = 4096;

/** The fourth group of a UUID: two bits of variant, twelve of slot, two of chance. */
const [GROUP, GROUP_END] = [19, 23];

/** The slot of a UUID. */
export function slotOf(runId: string): number {
  return (Number.parseInt(runId.slice(GROUP, GROUP_END), 16) >> 2) & (SLOTS - 1);
}

/** The same UUID with another slot. */
export function withSlot(runId: string, slot: number): string {
  const group = Number.parseInt(runId.slice(GROUP, GROUP_END), 16);
  return runId.slice(0, GROUP) + ((group & 0xc003) | (slot << 2)).toString(16).padStart(4, "0") + runId.slice(GROUP_END);
}

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const PLACED_TOKEN = /^[\w-]{27}\.([\w-])([\w-])$/;

/** A generated token (27 characters of base64url) with the slot of the run that holds it, so that it is found without a directory. */
export function placedToken(token: string, runId: string): string {
  const slot = slotOf(runId);
  return `${token}.${DIGITS[slot >> 6]}${DIGITS[slot & 63]}`;
}

/** The slot that a token names, or null. Nobody is kept from choosing a token of the same form. */
export function slotOfToken(token: string): number | null {
  const [, high, low] = PLACED_TOKEN.exec(token) ?? [];
  return high === undefined || low === undefined ? null : DIGITS.indexOf(high) * 64 + DIGITS.indexOf(low);
}
