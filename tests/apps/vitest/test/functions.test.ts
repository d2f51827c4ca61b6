import { expect, test } from "vitest";
import { start } from "perdure/api";
import { child, parent } from "../src/functions.ts";

test("functions of steps and workflows are values", async () => {
  const run = await start(parent, [child]);
  expect(await run.returnValue).toEqual({ numbers: [2, 12, 6, 14, 15], texts: ["child 12", "arrow 7", "child 16", "child 18"] });
});
