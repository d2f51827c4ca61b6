import { describe, expect, test } from "vitest";
import { compile } from "../src/compile.ts";
import { expected, fixtures } from "./fixture-folders.ts";
import { mappingProblems } from "./source-map-check.ts";

const targets = ["host", "workflow"] as const;

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

  test.each(targets)("every identifier of the source that the %s module keeps maps to its exact place", (target) => {
    const { code: output, map, manifest } = compiled(target);
    if (map !== null) expect(mappingProblems({ output, map, source: code, filename: input, target, manifest })).toEqual([]);
  });
});

test("the same input gives the same output", () => {
  for (const { input, code } of fixtures("compile")) {
    const run = () => compile(code, { id: input, target: "workflow" }).code;
    expect(run()).toBe(run());
  }
});
