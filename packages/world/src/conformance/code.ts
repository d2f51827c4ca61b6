import assert from "node:assert/strict";
import { bytes, type Case, rejectsWith } from "./lab.ts";

export const code: readonly Case[] = [
  {
    name: "a bundle is stored once under its hash and comes back byte for byte",
    async run({ world }) {
      const bundle = new Uint8Array(300_000).map((_, index) => index % 256);
      assert.equal(await world.code.get("sha-1"), null);
      await world.code.put("sha-1", bundle);
      await world.code.put("sha-1", bytes("another"));
      assert.deepEqual(await world.code.get("sha-1"), bundle);
      assert.equal(await world.code.get("SHA-1"), null);
      await world.code.put("empty", new Uint8Array(0));
      assert.deepEqual(await world.code.get("empty"), new Uint8Array(0));
    },
  },
  {
    name: "many put the same bundle at once",
    async run({ world, open }) {
      const other = await open();
      await Promise.all([world, other, world, other].map((each) => each.code.put("h", bytes("code"))));
      assert.deepEqual(await other.code.get("h"), bytes("code"));
    },
  },
  {
    name: "a bundle keeps the time at which it was stored first, and versions have an order by it",
    async run({ world, open, pass }) {
      assert.equal(await world.code.storedAt("first"), null);
      const before = await world.now();
      await world.code.put("first", bytes("code"));
      await pass(5);
      const other = await open();
      await other.code.put("second", bytes("code"));
      await other.code.put("first", bytes("code"));
      const [first, second] = [await other.code.storedAt("first"), await world.code.storedAt("second")];
      assert.ok(
        first !== null && second !== null && before <= first && first < second && second <= (await world.now()),
        `${first}, ${second}`,
      );
      assert.equal(await world.code.storedAt("FIRST"), null);
    },
  },
  {
    name: "a bundle without a hash is refused",
    async run({ world }) {
      await rejectsWith("WORLD_INVALID_ARGUMENT", world.code.put("", bytes("code")));
    },
  },
];
