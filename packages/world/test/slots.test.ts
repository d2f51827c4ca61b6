import { describe, expect, test } from "vitest";
import { placedToken, SLOTS, slotOf, slotOfToken, withSlot } from "../src/index.ts";

const id = "0198c0de-1234-7abc-8def-0123456789ab";

describe("the slot of a run's id", () => {
  test("can be each of 4,096, and changes nothing else of the id", () => {
    for (let slot = 0; slot < SLOTS; slot++) {
      const placed = withSlot(id, slot);
      expect(slotOf(placed)).toBe(slot);
      expect(placed).toMatch(/^0198c0de-1234-7abc-[89ab][0-9a-f]{3}-0123456789ab$/);
      expect(withSlot(placed, slotOf(id))).toBe(id);
    }
  });

  test("is read from generated tokens, and from no others", () => {
    const token = "abcdefghijklmnopqrstuvwxyz-";
    for (const slot of [0, 1, 63, 64, 4095]) expect(slotOfToken(placedToken(token, withSlot(id, slot)))).toBe(slot);
    for (const other of [token, `${token}.A`, `${token}.A/`, `x${token}.AA`, "order-7", ""]) expect(slotOfToken(other)).toBeNull();
  });
});
