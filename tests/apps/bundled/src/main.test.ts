import { test } from "vitest";

test("the application runs", async () => {
  await import("./main.ts");
}, 30_000);
