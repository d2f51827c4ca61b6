import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import stringWidth from "string-width";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { run } from "./run.ts";

const order = `import { pay } from "./pay.ts";

/** Takes the money. */
export async function charge(id: string) {
  "use step";
  return pay(id);
}

export async function fulfil(id: string) {
  "use workflow";
  const fee = 3;
  async function note(text: string) {
    "use step";
    console.log(text, fee);
  }

  await charge(id);
  await note("done");
}
`;

let folder: string;
let back: string;

beforeEach(() => {
  back = process.cwd();
  folder = mkdtempSync(path.join(tmpdir(), "perdure-cli-"));
  write("package.json", JSON.stringify({ name: "shop", type: "module" }));
  write("src/order.ts", order);
  process.chdir(folder);
});

afterEach(() => {
  process.chdir(back);
  rmSync(folder, { recursive: true, force: true });
});

function write(name: string, text: string): void {
  mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
  writeFileSync(path.join(folder, name), text);
}

/** The parts of a row of two columns. */
const columnsOf = (row: string): string[] => row.split("│").map((cell) => cell.trim());

describe("on a wide terminal", () => {
  test("both targets stand beside each other, what came from one line of the source on one row", async () => {
    const { status, out, err } = await run({ columns: 160 }, "transform", "src/order.ts");
    expect([status, err]).toEqual([0, ""]);
    const rows = out.split("\n").map(columnsOf);
    expect(rows[0]).toEqual([expect.stringMatching(/^host: /), expect.stringMatching(/^workflow: /)]);
    expect(rows).toContainEqual(["3   /** Takes the money. */", "3   /** Takes the money. */"]);
    expect(rows).toContainEqual(["4   export async function charge(id: string) {", expect.stringMatching(/^4 ~ .*charge\(\.\.\.\$args\)/)]);
    expect(rows).toContainEqual(["6     return pay(id);", ""]);
    expect(rows).toContainEqual(["", "17     await charge(id);"]);
    expect(out).toContain("Numbers are lines of src/order.ts. ~ changed, + added.");
  });

  test.each([120, 121, 160, 240])("no row is wider than %d columns, also with wide characters, tabs and long lines", async (columns) => {
    write("src/wide.ts", `${order}export const text = "${"こんにちは👩‍👩‍👧".repeat(30)}";\n\tconst long = "${"x".repeat(500)}";\n`);
    const { out } = await run({ columns }, "transform", "src/wide.ts");
    expect(Math.max(...out.split("\n").map((row) => stringWidth(row)))).toBeLessThanOrEqual(columns);
    const right = out
      .split("\n")
      .map((row) => row.split(" │ ")[1] ?? "")
      .map((cell) => cell.slice(5).trimEnd())
      .join("");
    expect(right).toContain("x".repeat(500));
    expect(right).toContain("こんにちは👩‍👩‍👧".repeat(30));
  });

  test("what is changed or added has a colour", async () => {
    const { out } = await run({ columns: 160, styled: true }, "transform", "src/order.ts");
    expect(out).toMatch(/<yellow>~ .*callStep/);
    expect(out).toMatch(/<green>\+ export \{ fulfil as \$perdure0 \};/);
  });
});

test("on a narrow terminal the targets come one after the other, with the code as it is", async () => {
  const { status, out, err } = await run({ columns: 80 }, "transform", "src/order.ts");
  expect([status, err]).toEqual([0, ""]);
  const [host, workflow] = [out.indexOf("── host: "), out.indexOf("── workflow: ")];
  expect(host).toBe(0);
  expect(workflow).toBeGreaterThan(out.indexOf("return pay(id);"));
  expect(out.indexOf("await charge(id);")).toBeGreaterThan(workflow);
  for (const line of out.split("\n").filter((line) => line.startsWith("── "))) expect(stringWidth(line)).toBe(80);
});

describe("--target", () => {
  test("prints the code of one target and nothing else", async () => {
    const host = await run({}, "transform", "src/order.ts", "--target", "host");
    expect(host).toMatchObject({ status: 0, err: "" });
    expect(host.out).toMatch(/^import .* from "perdure\/internal"/);
    expect(host.out).toContain('"shop/src/order.ts#charge"');
    expect(host.out).not.toContain("await charge(id)");
    const workflow = await run({ columns: 200 }, "transform", "src/order.ts", "--target=workflow");
    expect(workflow.out).toContain("await charge(id)");
    expect(workflow.out).not.toContain("pay(id)");
  });
});

describe("--manifest", () => {
  test("lists ids, places and captures in the order of the source", async () => {
    expect(await run({}, "transform", "src/order.ts", "--manifest")).toEqual({
      status: 0,
      err: "",
      out: `step      shop/src/order.ts#charge       src/order.ts:4:8
workflow  shop/src/order.ts#fulfil       src/order.ts:9:8
step      shop/src/order.ts#fulfil/note  src/order.ts:12:3  gets fee
`,
    });
  });

  test("with --json is the manifest of the compiler", async () => {
    const { out } = await run({}, "transform", "src/order.ts", "--manifest", "--json");
    expect(JSON.parse(out)).toMatchObject({
      module: "shop/src/order.ts",
      workflows: [{ name: "fulfil" }],
      steps: [{}, { captures: ["fee"] }],
    });
  });
});

describe("--json", () => {
  test("is one object with both targets, the manifest and the diagnostics", async () => {
    const { status, out } = await run({ columns: 200 }, "transform", "src/order.ts", "--json");
    const { host, workflow, manifest, diagnostics } = JSON.parse(out) as Record<string, unknown>;
    expect([status, diagnostics]).toEqual([0, []]);
    expect(host).toBe((await run({}, "transform", "src/order.ts", "--target", "host")).out);
    expect(workflow).toBe((await run({}, "transform", "src/order.ts", "--target", "workflow")).out);
    expect(manifest).toMatchObject({ module: "shop/src/order.ts" });
  });

  test("with --target has the one", async () => {
    const { out } = await run({}, "transform", "src/order.ts", "--json", "--target", "host");
    expect(Object.keys(JSON.parse(out) as object)).toEqual(["host", "manifest", "diagnostics"]);
  });

  test("has the mistakes, and no code", async () => {
    write("src/typo.ts", `export async function a() {\n  "use setp";\n}\n`);
    const { status, out, err } = await run({}, "transform", "src/typo.ts", "--json");
    expect(status).toBe(1);
    expect(JSON.parse(out)).toMatchObject({
      host: null,
      workflow: null,
      diagnostics: [{ code: "DIRECTIVE_TYPO", start: { line: 2, column: 3 } }],
    });
    expect(err).toContain("src/typo.ts:2:3");
  });
});

describe("a file that cannot be transformed", () => {
  test("with mistakes: each with its place and code frame on standard error, nothing on standard output, status 1", async () => {
    write("src/bad.ts", `export function a() {\n  "use step";\n}\nexport async function b() {\n  "use setp";\n}\n`);
    const { status, out, err } = await run({ columns: 160 }, "transform", "src/bad.ts");
    expect([status, out]).toEqual([1, ""]);
    expect(err).toContain("src/bad.ts:1:8\nFUNCTION_NOT_ASYNC: ");
    expect(err).toContain("src/bad.ts:5:3\nDIRECTIVE_TYPO: ");
    expect(err).toContain(`> 5 |   "use setp";`);
    expect(err).toMatch(/\n2 errors\n$/);
  });

  test.each([
    ["nowhere.ts", "There is no file nowhere.ts (looked for "],
    ["src", "src is a folder. Give one file, such as src/order.ts."],
    ["package.json", "package.json is neither JavaScript nor TypeScript by its name."],
  ])("%s: one line on standard error, status 2", async (file, message) => {
    const { status, out, err } = await run({}, "transform", file);
    expect([status, out]).toEqual([2, ""]);
    expect(err).toContain(message);
    expect(err.trimEnd().split("\n")).toHaveLength(1);
  });
});

describe("a file without directives", () => {
  test("is named as such, with status 0", async () => {
    write("src/plain.ts", `export const twice = (n: number) => n * 2;\n`);
    expect(await run({ columns: 160 }, "transform", "src/plain.ts")).toEqual({
      status: 0,
      out: "",
      err: `There is no "use workflow" or "use step" in src/plain.ts: your application loads it as it is.\n`,
    });
    expect(await run({}, "transform", "src/plain.ts", "--manifest")).toMatchObject({ status: 0, out: "" });
    expect((await run({}, "transform", "src/plain.ts", "--target", "host")).out).toBe(`export const twice = (n: number) => n * 2;\n`);
  });

  test("is printed as workflows see it where that differs", async () => {
    write("src/client.ts", `export const client = new Client();\n`);
    const { status, out, err } = await run({}, "transform", "src/client.ts");
    expect(status).toBe(0);
    expect(err).toContain("In the bundle of a workflow that imports it");
    expect(out).toContain("@__PURE__");
  });
});
