import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { needsCompiling } from "../src/bundle/needs-compiling.ts";

test("the runtime speaks of directives and is left alone; an application that says the same is looked at", () => {
  const own = fileURLToPath(new URL("../../perdure/src/errors/catalogue.ts", import.meta.url));
  const code = readFileSync(own, "utf8");
  expect(code).toContain('"use step"');
  expect(needsCompiling(own, code)).toBe(false);
  const folder = mkdtempSync(join(tmpdir(), "perdure-needs-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "package.json"), '{"name":"perdure-app"}');
  expect(needsCompiling(join(folder, "catalogue.ts"), code)).toBe(true);
});
