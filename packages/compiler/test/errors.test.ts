import { describe, expect, test } from "vitest";
import { compile } from "../src/compile.ts";
import { formatDiagnostic } from "../src/diagnose/diagnostic.ts";
import { expected, fixtures } from "./fixture-folders.ts";

describe.each(fixtures("errors"))("$name", ({ folder, input, code }) => {
  const { diagnostics, ...result } = compile(code, { id: `shop/src/${input}`, filename: `src/${input}`, target: "host" });

  test("is reported with code, position and frame", () => {
    const text = `${diagnostics.map(formatDiagnostic).join("\n\n")}\n`;
    expect(diagnostics).not.toEqual([]);
    expect(text).toBe(expected(folder, "expected.txt", text));
  });

  test("is reported alike in the workflow target", () => {
    expect(compile(code, { id: `shop/src/${input}`, filename: `src/${input}`, target: "workflow" }).diagnostics).toEqual(diagnostics);
  });

  test("leaves the code alone if it is an error", () => {
    if (diagnostics.every(({ severity }) => severity === "warning")) return;
    expect(result.code).toBe(code);
    expect(result.map).toBe(null);
  });
});
