import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { compile } from "../src/compile.ts";
import { CompileError } from "../src/diagnose/diagnostic.ts";
import { readRenames } from "../src/renames/renames-file.ts";

const source = `
export async function charge() { "use step"; }
export async function fulfil() { "use workflow"; async function note() { "use step"; } await note(); await charge(); }
`;
const host = (renames: Record<string, string>, code = source) => compile(code, { id: "shop/src/new.ts", target: "host", renames });
const codes = (renames: Record<string, string>) => host(renames).diagnostics.map(({ code, message }) => `${code}: ${message}`);

describe("a function that was renamed", () => {
  test("is registered under its former id too", () => {
    expect(host({ "shop/src/old.ts#pay": "shop/src/new.ts#charge" }).code).toContain(
      '$step("shop/src/new.ts#charge", charge, "charge", ["shop/src/old.ts#pay"])',
    );
  });

  test("takes what is inside it along", () => {
    const { code } = host({ "shop/src/new.ts#complete": "shop/src/new.ts#fulfil" });
    expect(code).toContain('$workflow("shop/src/new.ts#fulfil", fulfil, "fulfil", undefined, ["shop/src/new.ts#complete"])');
    expect(code).toContain('"note", ["shop/src/new.ts#complete/note"])');
  });

  test("keeps the ids of all its renames", () => {
    const { code } = host({
      "shop/src/a.ts#x": "shop/src/b.ts#y",
      "shop/src/b.ts": "shop/src/new.ts",
      "shop/src/new.ts#y": "shop/src/new.ts#charge",
    });
    expect(code).toContain('"charge", ["shop/src/b.ts#charge","shop/src/new.ts#y","shop/src/b.ts#y","shop/src/a.ts#x"])');
  });

  test("does not take along a function whose name only begins alike", () => {
    const { code } = host({ "shop/src/new.ts#pay": "shop/src/new.ts#char" }, `${source} export async function char() { "use step"; }`);
    expect(code).toContain('"char", ["shop/src/new.ts#pay"])');
    expect(code).toContain('$step("shop/src/new.ts#charge", charge, "charge");');
  });
});

test("a class whose instances are stored is registered under its former ids too", () => {
  const money = 'export class Money { static [Symbol.for("workflow-serialize")]() {} static [Symbol.for("workflow-deserialize")]() {} }';
  const { code } = host({ "shop/src/old.ts": "shop/src/new.ts", "shop/src/old.ts#Price": "shop/src/old.ts#Money" }, money);
  expect(code).toContain('static { $registerClass("shop/src/new.ts#Money", this, ["shop/src/old.ts#Money","shop/src/old.ts#Price"]); }');
});

describe("a mistake", () => {
  test("in a former id which is still in use is RENAME_CONFLICT", () => {
    expect(codes({ "shop/src/new.ts#charge": "shop/src/new.ts#fulfil" })).toEqual([
      "RENAME_CONFLICT: shop/src/new.ts#charge is declared as the former id of shop/src/new.ts#fulfil, but still is a function or class of its own.",
    ]);
  });

  test("in a present id which does not exist is RENAME_WITHOUT_FUNCTION", () => {
    expect(codes({ "shop/src/new.ts#pay": "shop/src/new.ts#chrage" })).toEqual([
      "RENAME_WITHOUT_FUNCTION: shop/src/new.ts#pay is declared to be shop/src/new.ts#chrage now, but the module has no such function or class.",
    ]);
  });
});

describe("perdure.renames.json", () => {
  let folder: string;
  beforeEach(() => void (folder = mkdtempSync(path.join(os.tmpdir(), "perdure-renames-"))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  const write = (text: string) => writeFileSync(path.join(folder, "perdure.renames.json"), text);

  test("is read from the folder of the package.json; without it nothing was renamed", () => {
    expect(readRenames(folder)).toEqual({});
    write('{ "a.ts#b": "a.ts#c" }');
    expect(readRenames(folder)).toEqual({ "a.ts#b": "a.ts#c" });
  });

  test.each([
    ["{", "it is not JSON"],
    ["[]", "it must be an object from former ids to present ones"],
    ['{ "a.ts#b": 1 }', 'the value of "a.ts#b" is not a string'],
    ['{ "a.ts#b": "a.ts" }', '"a.ts#b" and "a.ts" must both name a function, or both a module'],
    ['{ "a.ts#b": "a.ts#b" }', '"a.ts#b" is renamed to itself'],
  ])("%s is RENAMES_INVALID", (text, reason) => {
    write(text);
    expect(() => readRenames(folder)).toThrow(CompileError);
    expect(() => readRenames(folder)).toThrow(`RENAMES_INVALID: perdure.renames.json cannot be used: ${reason}`);
  });
});
