import { expect, test } from "vitest";
import { declaredCodes } from "./error-codes.ts";
import { filesBelow, textOf } from "./repository.ts";

const packages = [...new Set(filesBelow("packages").map((path) => path.split("/")[1] as string))].filter(
  (name) => declaredCodes(name).length > 0,
);

/** The sections of a package's page: code → text. */
function sections(name: string): Map<string, string> {
  const page = `docs/errors/${name}.md`;
  const text = filesBelow("docs/errors").includes(page) ? textOf(page) : "";
  const parts = text.split(/^## /m).slice(1);
  return new Map(parts.map((part) => [part.slice(0, part.indexOf("\n")).trim(), part]));
}

/** Everything in which a case may raise a code: tests, fixtures and the suites that packages publish. */
const cases = [...filesBelow("packages"), ...filesBelow("tests")]
  .filter((path) => /(^|\/)(test|tests|conformance)\//.test(path) && /\.(ts|tsx|js|jsx|mjs|json|txt|md|snap)$/.test(path))
  .map(textOf)
  .join("\n");

test("packages with error codes are found", () => {
  expect(packages).toContain("world");
});

test.each(packages)("docs/errors/%s.md has one section for each code of the package, in alphabetical order", (name) => {
  expect([...sections(name).keys()]).toEqual(declaredCodes(name));
});

test.each(packages)("docs/errors/%s.md says of each code its cause, its fix and an example", (name) => {
  const incomplete = [...sections(name)].filter(
    ([, text]) => !text.includes("**Cause.**") || !text.includes("**Fix.**") || !text.includes("```"),
  );
  expect(incomplete.map(([code]) => code)).toEqual([]);
});

test.each(packages)("every error code of %s is named by a test", (name) => {
  expect(declaredCodes(name).filter((code) => !new RegExp(`\\b${code}\\b`).test(cases))).toEqual([]);
});
