import { describe, expect, test } from "vitest";
import { compile } from "../src/compile.ts";
import { expected, fixtures } from "./fixture-folders.ts";
import { misplacedIdentifiers } from "./source-map-check.ts";

const targets = ["host", "workflow"] as const;

/** A generated name, or a name that the compiler repeats in text of its own: in a registration, a stub or an export. */
function isRepeated(name: string, inputNames: ReadonlySet<string>): boolean {
  const runtime = ["step", "closureStep", "workflow", "workflowCalled", "callStep", "as", "async", "const", "__perdureUnavailable", "from"];
  return runtime.includes(name) || inputNames.has(name);
}

describe.each(fixtures("compile"))("$name", ({ folder, input, code }) => {
  const extension = input.slice("input".length);
  const compiled = (target: "host" | "workflow") =>
    compile(code, { id: `shop/src/${input}`, target, bundles: `virtual:perdure/bundles?file=${input}` });

  test.each(targets)("gives the expected %s module", (target) => {
    const result = compiled(target);
    expect(result.diagnostics.map((diagnostic) => diagnostic.message)).toEqual([]);
    expect(result.code).toBe(expected(folder, `${target}${extension}`, result.code));
  });

  test.each(targets)("the %s module parses and has no directive left", (target) => {
    const again = compile(compiled(target).code, { id: `shop/src/${input}`, target: "host" });
    expect(again.diagnostics).toEqual([]);
    expect(again.manifest.steps).toEqual([]);
    expect(again.manifest.workflows).toEqual([]);
  });

  test.each(targets)("every identifier of the %s module that comes from the source maps to its exact place", (target) => {
    const { code: output, map } = compiled(target);
    if (map === null) return;
    const names = new Set(namesIn(code));
    const misplaced = misplacedIdentifiers(output, map, code, input);
    expect(misplaced.filter(({ found }) => found !== null)).toEqual([]);
    expect(misplaced.filter(({ name }) => !isRepeated(name, names))).toEqual([]);
  });
});

function namesIn(code: string): string[] {
  return code.match(/[\w$]+/g) ?? [];
}

test("the same input gives the same output", () => {
  for (const { input, code } of fixtures("compile")) {
    const run = () => compile(code, { id: input, target: "workflow" }).code;
    expect(run()).toBe(run());
  }
});
