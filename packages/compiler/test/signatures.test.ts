import { type BuildOptions, build } from "esbuild";
import { execFileSync } from "node:child_process";
import { describe, expect, test, vi } from "vitest";
import { build as viteBuild } from "vite";
import { bundleWorkflows } from "../src/bundle/index.ts";
import { type Signature, type SignatureParameter, compile } from "../src/index.ts";
import esbuildPlugin from "../src/plugins/esbuild.ts";
import vitePlugin from "../src/plugins/vite.ts";
import { loadBundles } from "../src/register/bundles.ts";
import { createApp } from "./temporary-app.ts";

// Bundlers and processes start slowly on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

/** The signatures of a module's steps, by the part of their ids behind `#`. */
function signaturesIn(code: string, id = "shop/src/a.ts"): Record<string, Signature> {
  const { diagnostics, manifest } = compile(code, { id, target: "host" });
  expect(diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
  return Object.fromEntries(manifest.steps.map((step) => [step.id.replace(/.*#/, ""), step.signature]));
}

/** The signature of a step with these parameters, and perhaps a type of the result. */
function signatureOf(parameters: string, returns = "", generic = ""): Signature | undefined {
  return signaturesIn(`export async function a${generic}(${parameters})${returns} { "use step"; }`)["a"];
}

const typeTextOf = (type: string) => signatureOf(`a: ${type}`)?.parameters[0]?.type;
const typed = (type: string | null, more: Partial<SignatureParameter> = {}): SignatureParameter => ({ type, keys: null, ...more });

describe("a signature", () => {
  test("is that of the function which is the step, whatever its form", () => {
    const signatures = signaturesIn(`
      import { serialize, deserialize, withRetry } from "./library.ts";
      export async function declared(order: Order): Promise<Receipt> { "use step"; }
      export const arrow = async (order: Order): Promise<Receipt> => { "use step"; };
      export const expression = async function (order: Order): Promise<Receipt> { "use step"; };
      export const wrapped = withRetry(async (order: Order): Promise<Receipt> => { "use step"; });
      export const api = { async method(order: Order): Promise<Receipt> { "use step"; }, key: async (order: Order): Promise<Receipt> => { "use step"; } };
      export class Shop { static async take(order: Order): Promise<Receipt> { "use step"; } }
      export const mailer = (from: string) => async (order: Order): Promise<Receipt> => { "use step"; return from; };
      export async function flow(fee: number, name: string) {
        "use workflow";
        async function nested(order: Order): Promise<Receipt> { "use step"; return [name, fee]; }
        await nested(1);
      }
      export default async (order: Order): Promise<Receipt> => { "use step"; };
    `);
    const expected: Signature = { parameters: [typed("Order")], returns: "Promise<Receipt>" };
    expect(signatures).toEqual({
      declared: expected,
      arrow: expected,
      expression: expected,
      wrapped: expected,
      "api.method": expected,
      "api.key": expected,
      "Shop.take": expected,
      mailer: { ...expected, captures: ["from"] },
      "flow/nested": { ...expected, captures: ["fee", "name"] },
      default: expected,
    });
  });

  test("says that a method needs its instance", () => {
    const signatures = signaturesIn(`
      export class Account {
        static [Symbol.for("workflow-serialize")](account: Account) { return account.id; }
        static [Symbol.for("workflow-deserialize")](id: string) { return new Account(id); }
        constructor(readonly id: string) {}
        async charge(amount: number): Promise<void> { "use step"; await pay(this.id, amount); }
        async ping(): Promise<void> { "use step"; }
      }
    `);
    expect(signatures).toEqual({
      "Account.prototype.charge": { parameters: [typed("number")], returns: "Promise<void>", self: true },
      "Account.prototype.ping": { parameters: [], returns: "Promise<void>" },
    });
  });

  test("of a file without types has the keys of patterns, sorted, apart from those with default values", () => {
    const code = `export async function a({ id, "amount": n, currency = "EUR", 7: seven, [x]: y, ...others }, { to: { street } } = {}, [first], plain, more = 1, ...rest) { "use step"; }`;
    expect(signaturesIn(code, "shop/src/a.js")["a"]).toEqual({
      parameters: [
        { type: null, keys: ["7", "amount", "id"], optionalKeys: ["currency"] },
        { type: null, keys: ["to"], optional: true },
        typed(null),
        typed(null),
        typed(null, { optional: true }),
        typed(null, { rest: true }),
      ],
      returns: null,
    });
  });

  test("takes a pattern with a type for its type alone, and leaves out `this`", () => {
    expect(signatureOf("this: void, { id }: Order, [a]: [string] = [''], ...rest: readonly string[]")).toEqual({
      parameters: [typed("Order"), typed("[string]", { optional: true }), typed("readonly string[]", { rest: true })],
      returns: null,
    });
  });

  test("says which parameters may be left out", () => {
    const optional = { optional: true } as const;
    expect(signatureOf("a: A | null, b: A | undefined, c: void, d?: A, e: A = a")?.parameters).toEqual([
      typed("A | null"),
      typed("A | undefined", optional),
      typed("void", optional),
      typed("A", optional),
      typed("A", optional),
    ]);
  });

  test("of a function with overloads is that of the implementation", () => {
    const code = `
      export async function a(id: string): Promise<One>;
      export async function a(ids: string[]): Promise<One[]>;
      export async function a(idOrIds: string | string[]): Promise<One | One[]> { "use step"; }`;
    expect(signaturesIn(code)["a"]).toEqual({ parameters: [typed("string | string[]")], returns: "Promise<One | One[]>" });
  });

  test("has what a type parameter extends in its place, so that its name does not count", () => {
    const generic = signatureOf("a: T, b: U[], c: V, d: T | null", ": Promise<Map<T, U>>", "<T extends A | B, U, V extends List<V>>");
    expect(generic).toEqual({
      parameters: [typed("A | B"), typed("unknown[]"), typed("List<V>"), typed("A | B | null")],
      returns: "Promise<Map<A | B, unknown>>",
    });
  });
});

describe("the text of a type", () => {
  // Every form there is, as this package prints it: the text of the text is the same.
  const canonical = [
    "any",
    "bigint",
    "boolean",
    "never",
    "null",
    "object",
    "symbol",
    "this",
    "undefined",
    "unknown",
    "shop.Order<string, number>",
    "typeof charge",
    "typeof shop.charge<string>",
    'typeof import("./a.ts")',
    'import("./a.ts").Order<string>',
    '{ id: string; readonly amount?: number; "a b": 1; 7: -1; [key]: true }',
    "{ get a(): string; set a(value: string); run?<T extends A = B>(value: T, ...rest: T[]): void; readonly [key: string]: T }",
    "{ (id: string): void; new (id: string): Order }",
    "{}",
    "string[][]",
    "(string | number)[]",
    "(keyof Order)[]",
    "(typeof list)[number]",
    "readonly string[]",
    "unique symbol",
    "keyof typeof charge",
    'Order["id" | "amount"]',
    "[string, number?, ...boolean[]]",
    "[id: string, amount?: number, ...rest: boolean[]]",
    "A & (B | C) & { id: string }",
    "A | B & C | ((id: string) => void)",
    "A extends (infer U)[] ? U : never",
    "A extends infer U extends string ? U : (() => void) extends B ? C : D",
    "(value: unknown, { a, b }: Order, [c]?: List) => value is string",
    "(this: Window) => asserts value",
    "abstract new (...args: never[]) => Order",
    "<const T extends string>(value: T) => T",
    "{ readonly [K in keyof T]?: T[K] }",
    "{ -readonly [K in keyof T as `get${K}`]-?: T[K] }",
    "`a${string}-${number}b`",
    "`plain`",
    '"it\'s \\"this\\""',
    "100n",
  ];

  test.each(canonical)("%s", (type) => {
    expect(typeTextOf(type)).toBe(type);
  });

  test.each([
    ["comments and line breaks", "Map< // keys\n string, /* values */\n Order /* all */ >", "Map<string, Order>"],
    ["quotes", "'a' | 'b'", '"a" | "b"'],
    ["separators of members", "{ id: string,\n 'amount': number\n note: string; }", "{ id: string; amount: number; note: string }"],
    ["bars in front", "\n  | A\n  | B", "A | B"],
    ["a single bar", "| A", "A"],
    ["needless parentheses", "((A) | (B | C))", "A | B | C"],
    ["trailing commas", "[\n string,\n number,\n]", "[string, number]"],
    ["trailing commas of arguments", "Map<\n string,\n Order,\n>", "Map<string, Order>"],
    ["a mapped type on lines", "{\n [K in Keys]: Order;\n}", "{ [K in Keys]: Order }"],
    ["comments in what is taken as it is", "{ [ /* a */ keys . id // b\n ]: 1 }", "{ [keys . id]: 1 }"],
    ["a number with its sign apart", "- 1", "-1"],
  ])("does not show %s", (_, written, text) => {
    expect(typeTextOf(written)).toBe(text);
  });
});

const flowId = "shop/src/a.ts#flow";
const app = {
  "src/a.ts": `import { ship } from "./ship.ts";
    export async function charge(order: Order): Promise<Receipt> { "use step"; return order; }
    export async function unused(): Promise<void> { "use step"; }
    export async function flow(order: Order) {
      "use workflow";
      async function note(text: string) { "use step"; return text; }
      await ship({ id: 1 });
      await charge(order);
      await note("done");
    }
    export async function idle() { "use workflow"; }`,
  "src/ship.ts": `export const ship = async ({ id, to = 1 }) => { "use step"; return [id, to]; };`,
};
const expected = {
  "shop/src/a.ts#charge": { parameters: [typed("Order")], returns: "Promise<Receipt>" },
  "shop/src/a.ts#flow/note": { parameters: [typed("string")], returns: null },
  "shop/src/ship.ts#ship": { parameters: [{ type: null, keys: ["id"], optionalKeys: ["to"] }], returns: null },
};

const stepsIn = (map: string | undefined) => (JSON.parse(map ?? "{}") as { x_perdure_steps?: unknown }).x_perdure_steps;

async function built(file: string) {
  const { bundles, manifest } = await bundleWorkflows(file);
  const { version, map } = bundles[flowId] ?? { version: "", map: "{}" };
  return { version, steps: stepsIn(map), map, bundles, manifest };
}

describe("the signatures that go with a bundle", () => {
  test("are in its map by the ids of the steps that its workflow may call, sorted, and in the manifest", async () => {
    const { file } = createApp(app);
    const { steps, bundles, manifest, map } = await built(file("src/a.ts"));
    expect(steps).toEqual(expected);
    expect(Object.keys(steps as object)).toEqual(Object.keys(expected));
    expect(Object.keys(expected)).toEqual(manifest.workflows.find(({ id }) => id === flowId)?.steps.toSorted());
    expect(stepsIn(bundles["shop/src/a.ts#idle"]?.map)).toEqual({});
    const { x_perdure_steps: _, ...others } = JSON.parse(map) as Record<string, unknown>;
    const sources = ["node_modules/perdure/workflow/internal.js", "src/ship.ts", "src/a.ts"];
    expect(others).toEqual({ version: 3, sources, names: [], mappings: expect.any(String) });
    const signatures = Object.fromEntries(manifest.steps.map((step) => [step.id, step.signature]));
    expect(signatures).toEqual({ ...expected, "shop/src/a.ts#unused": { parameters: [], returns: "Promise<void>" } });
  });

  test("change with the types of a step, and the version of the bundle does not", async () => {
    const { file, write } = createApp(app);
    const before = await built(file("src/a.ts"));
    write({ "src/a.ts": app["src/a.ts"].replace("(order: Order): Promise<Receipt>", "(order: Order, to?: string): Promise<string>") });
    const after = await built(file("src/a.ts"));
    expect(after.version).toBe(before.version);
    expect(after.steps).toEqual({
      ...expected,
      "shop/src/a.ts#charge": { parameters: [typed("Order"), typed("string", { optional: true })], returns: "Promise<string>" },
    });
  });

  test.each([
    ["formatting", "charge(order: Order): Promise<Receipt>", "charge(\n  order : Order,\n): Promise< Receipt >"],
    ["comments", "charge(order: Order)", "charge(/* the */ order: /* whole */ Order)"],
    [
      "names of parameters",
      'charge(order: Order): Promise<Receipt> { "use step"; return order; }',
      'charge(it: Order): Promise<Receipt> { "use step"; return it; }',
    ],
    ["the body of a step", "return order; }", "console.log(1); return order; }"],
  ])("do not show %s", async (_, from, to) => {
    const { file, write } = createApp(app);
    const before = await built(file("src/a.ts"));
    expect(app["src/a.ts"]).toContain(from);
    write({ "src/a.ts": app["src/a.ts"].replace(from, to) });
    const after = await built(file("src/a.ts"));
    expect(after.steps).toEqual(before.steps);
    expect(after.version).toBe(before.version);
  });
});

/** What an application prints that writes out the maps of the bundles with which its workflows were registered. */
const main = `import "./a.ts";
const { map } = globalThis.registry.get(${JSON.stringify(flowId)}).bundle;
console.log(JSON.stringify(JSON.parse(map).x_perdure_steps));
`;

describe("every way to make bundles writes the signatures:", () => {
  const printed = (args: string[], cwd: string) => JSON.parse(execFileSync(process.execPath, args, { cwd, encoding: "utf8" })) as unknown;

  test("esbuild", async () => {
    const { file, root } = createApp({ ...app, "src/main.ts": main });
    const options: BuildOptions = { bundle: true, platform: "node", format: "esm", logLevel: "silent", plugins: [esbuildPlugin()] };
    await build({ ...options, absWorkingDir: root, entryPoints: ["src/main.ts"], outfile: file("out/main.js") });
    expect(printed([file("out/main.js")], root)).toEqual(expected);
  });

  test("Vite", async () => {
    const { file, root } = createApp({ ...app, "src/main.ts": main });
    await viteBuild({
      root,
      configFile: false,
      logLevel: "silent",
      plugins: [vitePlugin()],
      build: { outDir: "out", ssr: "src/main.ts", target: "node20" },
      ssr: { noExternal: true },
    });
    expect(printed([file("out/main.js")], root)).toEqual(expected);
  });

  test("the Node loader", async () => {
    const { file } = createApp(app);
    expect(stepsIn((await loadBundles(file("src/a.ts")))[flowId]?.map)).toEqual(expected);
  });
});
