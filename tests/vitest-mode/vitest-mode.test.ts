import { afterAll, beforeAll, expect, test } from "vitest";
import { vitestApp, type VitestApp } from "./vitest-app.ts";

let app: VitestApp;
beforeAll(async () => {
  app = await vitestApp();
});
afterAll(() => app.remove());

test("under Vitest, mocks, spies, fake timers and helper modules of an application are those of its workflows", { timeout: 120_000 }, async () => {
  const { passed, output } = await app.run();
  expect(output).toContain("passed");
  expect(passed, output).toBe(true);
});
