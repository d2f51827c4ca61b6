import { expect, test } from "vitest";
import { channelOf } from "../src/notify.ts";

test("the notifications of a schema have its name, and of a long one a name of their own that PostgreSQL takes", () => {
  expect(channelOf("perdure")).toBe("perdure_perdure");
  const long = ["é".repeat(30), `${"é".repeat(29)}e`, "x".repeat(63), `${"x".repeat(62)}y`];
  const channels = long.map(channelOf);
  for (const channel of channels) expect(Buffer.byteLength(channel)).toBeLessThanOrEqual(63);
  expect(new Set(channels).size).toBe(long.length);
});
