import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { filesBelow, root, textOf } from "./repository.ts";

const folder = "packages/perdure/test/recorded/0.1";
const size = (): number => filesBelow(folder).reduce((sum, path) => sum + textOf(path).length, 0);

test("a folder of recorded histories is never written again", () => {
  const before = size();
  const { status, stderr } = spawnSync(process.execPath, [join(root, "scripts/record-histories.mjs"), "0.1"], { encoding: "utf8" });
  expect({ status, stderr }).toEqual({
    status: 2,
    stderr: expect.stringContaining("0.1 exists: what was recorded is never written again") as string,
  });
  expect(size()).toBe(before);
});

test("recorded histories are small, and hold no path of the machine on which they were made", () => {
  expect(size()).toBeGreaterThan(0);
  expect(size()).toBeLessThan(400_000);
  expect(filesBelow(folder).filter((path) => /file:\/\/|\/(?:home|tmp|root|Users)\/|(?:\.\.\/){4}/.test(textOf(path)))).toEqual([]);
});
