import { expect, test } from "vitest";
import { compile } from "../src/compile.ts";

const manifestOf = (code: string) => compile(code, { id: "shop/src/a.ts", target: "host" }).manifest;

test("an entry names the exports of the function itself", () => {
  const { steps, workflows } = manifestOf(`
    export async function declared() { "use step"; }
    export const value = (async () => { "use step"; }) satisfies unknown;
    async function inner() { "use step"; }
    async function twice() { "use step"; }
    export { twice as one, twice as default };
    export const api = { async member() { "use step"; } };
    export async function flow() { "use workflow"; async function declared() { "use step"; } await declared(); }
  `);
  expect([...steps, ...workflows].map(({ id, exported }) => [id.replace(/.*#/, ""), exported])).toEqual([
    ["declared", ["declared"]],
    ["value", ["value"]],
    ["inner", []],
    ["one", ["one", "default"]],
    ["api.member", []],
    ["flow/declared", []],
    ["flow", ["flow"]],
  ]);
});

test("a default export is exported as such, whatever its form", () => {
  const exported = (code: string) => manifestOf(code).steps.map((step) => step.exported);
  expect(exported(`export default async () => { "use step"; }`)).toEqual([["default"]]);
  expect(exported(`export default async function () { "use step"; }`)).toEqual([["default"]]);
  expect(exported(`export default async function named() { "use step"; }`)).toEqual([["default"]]);
  expect(exported(`const named = async () => { "use step"; }; export default named;`)).toEqual([["default"]]);
});
