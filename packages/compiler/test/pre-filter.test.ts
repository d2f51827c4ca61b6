import { expect, test } from "vitest";
import { compile } from "../src/compile.ts";
import { directivePattern, mayHaveDirectives, mayHaveStoredClasses } from "../src/parse/pre-filter.ts";
import { fixtures } from "./fixture-folders.ts";

test.each([...fixtures("compile"), ...fixtures("errors")])("says what the compiler says of $name", ({ code, input }) => {
  const { manifest, diagnostics } = compile(code, { id: input, target: "workflow" });
  if (manifest.steps.length + manifest.workflows.length + diagnostics.length === 0) return;
  expect(mayHaveDirectives(code) || mayHaveStoredClasses(code)).toBe(true);
  expect(directivePattern.test(code)).toBe(true);
});

test.each([
  `async()=>{"use step";return 1}`,
  `f('abcd') ;'use workflow'`,
  `it's; async () => { "use step" }`,
  `async () => { 'use\\x20step' }`,
  `async () => { "\\u{75}se workflow" }`,
  `async () => { "us\\
e step" }`,
  `async () => { "use setp" }`,
  `async () => { "Use Workflow" }`,
  `async () => { "se step" }`,
  `async () => { "xye step" }`,
  `async () => { "  use-step" }`,
  `async () => { \`use step\` }`,
])("finds the directive in %s", (code) => {
  expect(mayHaveDirectives(code)).toBe(true);
  expect(directivePattern.test(code)).toBe(true);
});

test.each([
  `"use strict"; "use client"; "use server";`,
  `"use cache"; "use memo"; 'use asm'`,
  `const text = "the user stepped";`,
  `a["use"] + 'step'`,
])("passes over %s", (code) => {
  expect(mayHaveDirectives(code)).toBe(false);
  expect(compile(`async function f() { ${code} }`, { id: "x.ts", target: "host" }).diagnostics).toEqual([]);
});
