import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { vitestApp, type VitestApp } from "./vitest-app.ts";

const timeout = 120_000;

let app: VitestApp;
beforeAll(async () => {
  app = await vitestApp();
});
afterAll(() => app.remove());

/** Istanbul's format, as far as it is read here. */
interface FileCoverage {
  readonly statementMap: Readonly<Record<string, { readonly start: { readonly line: number } }>>;
  readonly s: Readonly<Record<string, number>>;
}

/** The lines of a source file on which a statement begins that ran, and those on which one did not. */
function linesIn(name: string): { ran: string[]; missed: string[] } {
  const file = join(app.folder, "src", name);
  const source = readFileSync(file, "utf8").split("\n");
  const coverage = JSON.parse(readFileSync(join(app.folder, "coverage/coverage-final.json"), "utf8")) as Record<string, FileCoverage>;
  const { statementMap, s } = coverage[file] as FileCoverage;
  const lines = (ran: boolean) => {
    const statements = Object.keys(statementMap).filter((key) => (s[key] ?? 0) > 0 === ran);
    return statements.map((key) => source[(statementMap[key]?.start.line ?? 0) - 1]?.trim() ?? "");
  };
  return { ran: lines(true), missed: lines(false) };
}

test(
  "mocks, spies, fake timers and helpers of a test are those of the workflows that it starts, and coverage counts their lines",
  { timeout },
  async () => {
    const reporters = ["--reporter=default", "--reporter=json", "--outputFile=report.json"];
    const coverage = ["--coverage", "--coverage.include=src/**", "--coverage.reporter=json"];
    const { passed, output } = await app.run("test/", ...reporters, ...coverage);
    expect(passed, output).toBe(true);
    const report = JSON.parse(readFileSync(join(app.folder, "report.json"), "utf8")) as { numPassedTests: number };
    expect(report.numPassedTests).toBe(28);

    const [order, mistakes] = [linesIn("order.ts"), linesIn("mistakes.ts")];
    const inOrder = ["const paid = await charge(order, priceOf(order));", 'return ["nothing"];', "return `${prefix} ${text}`;"];
    expect(order.ran).toEqual(expect.arrayContaining(inOrder));
    expect(order.missed).toEqual([]);
    expect(mistakes.ran).toContain('const price = await priceOf("slow");');
    expect(mistakes.missed).toContain("return price;");
  },
);

test("a mistake in a directive fails the test file with its place", { timeout }, async () => {
  writeFileSync(join(app.folder, "src/broken.ts"), 'export function wrong() {\n  "use workflow";\n}\n');
  writeFileSync(
    join(app.folder, "test/broken.test.ts"),
    'import { test } from "vitest";\nimport "../src/broken.ts";\ntest("x", () => {});\n',
  );
  const { passed, output } = await app.run("test/broken.test.ts");
  expect(passed).toBe(false);
  expect(output).toContain("src/broken.ts:1:8");
  expect(output).toContain("FUNCTION_NOT_ASYNC");
});

test('with `vitest: "bundle"` runs have the bundles that production has', { timeout }, async () => {
  const bundled = await vitestApp('{ vitest: "bundle" }');
  try {
    const { passed, output } = await bundled.run("bundle/");
    expect(passed, output).toBe(true);
    // What it has recorded is replayed in the other mode.
    cpSync(join(bundled.folder, "histories"), join(app.folder, "histories"), { recursive: true });
    const replayed = await app.run("test/histories.test.ts", "--reporter=default", "--reporter=json", "--outputFile=report.json");
    expect(replayed.passed, replayed.output).toBe(true);
    const report = JSON.parse(readFileSync(join(app.folder, "report.json"), "utf8")) as { numPassedTests: number };
    expect(report.numPassedTests).toBe(10);
  } finally {
    bundled.remove();
  }
});
