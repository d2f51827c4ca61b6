import { describe, expect, test } from "vitest";
import { compile } from "../src/compile.ts";
import { expected, fixtures } from "./fixture-folders.ts";

const graphsOf = (code: string, input: string) => {
  const { manifest } = compile(code, { id: `shop/src/${input}`, target: "host" });
  return Object.fromEntries(manifest.workflows.map(({ name, graph }) => [name, graph]));
};

describe.each(fixtures("graph"))("$name", ({ folder, input, code }) => {
  test("has the expected graph", () => {
    const text = `${JSON.stringify(graphsOf(code, input), null, 2)}\n`;
    expect(text).toBe(expected(folder, "graph.json", text));
  });

  test("has the same graph in both targets and every time", () => {
    const { manifest } = compile(code, { id: `shop/src/${input}`, target: "workflow" });
    expect(Object.fromEntries(manifest.workflows.map(({ name, graph }) => [name, graph]))).toEqual(graphsOf(code, input));
  });

  test("has an outline that is plain JSON", () => {
    const { outline } = compile(code, { id: `shop/src/${input}`, target: "host" }).manifest;
    expect(JSON.parse(JSON.stringify(outline))).toEqual(outline);
  });
});
