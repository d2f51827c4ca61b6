import fc from "fast-check";

/** A program with directives in random places, and what is known about it. */
export interface FuzzProgram {
  /** TypeScript, with `%D0%`, `%D1%` … where directives stand. */
  template: string;
  /** The directives, by number. */
  directives: { text: string; kind: "step" | "workflow"; isValid: boolean }[];
}

/** A step in the making: its number, the form of its function and its directive. */
interface Slot {
  index: number;
  form: "arrow" | "expression" | "named";
  usesVariable: boolean;
}

/** Expressions that have a function somewhere in them, at `%E`. The value is a function that passes calls on. */
const expressions = [
  "%E",
  "(%E)",
  "((%E) as any)",
  "((%E) satisfies unknown)",
  "(%E)!",
  "wrap(%E)",
  "wrap(wrap(%E))",
  "wrap(%E, 1)",
  "first(%E, wrap)",
  "[%E][0]",
  "[null, ...[%E]][1]",
  "({ key: %E }).key",
  "({ 'quoted key': %E })['quoted key']",
  "({ [NAME]: %E })[NAME]",
  "({ ['a' + 1]: %E }).a1",
  "({ deep: { er: [%E] } }).deep.er[0]",
  "(yes ? %E : null)",
  "(no ? null : %E)",
  "(yes && (%E))",
  "(no || (%E))",
  "(null ?? (%E))",
  "(0, %E)",
  "new Box(%E).value",
  "tag`a${%E}b`",
  "box({ tools: { search: { run: %E } } }).tools.search.run",
  "(class { static run = %E }).run",
  "new (class { run = %E })().run",
  "new (class Named { run = %E; other = 1 })().run",
  "(() => (%E))()",
  "(function () { return %E; })()",
  "(({ d = %E }: any) => d)({})",
  "((d = %E) => d)()",
  "(([d = %E]: any[]) => d)([])",
  "((x: any) => x)(%E)",
  "wrap?.(%E)",
  "[1].map(() => (%E))[0]",
  "(() => { const inner = %E; return inner; })()",
  "(() => { let inner: any; if (yes) { const a = %E; inner = a; } return inner; })()",
  "(() => { for (const i of [1]) { const a = %E; return a; } })()",
  "(() => { try { throw 1; } catch (problem) { return %E; } })()",
  "(() => { switch (1) { case 1: { const a = %E; return a; } } })()",
  "({ get tools() { return { run: %E }; } }).tools.run",
  "(() => { const o: any = {}; o.run = %E; return o; })().run",
  "((o: any) => ((o.run = %E), o.run))({})",
  "[...(function* () { yield %E; })()][0]",
];

/** Methods with a function's parameters and body at `%M`. The value is a function that passes calls on. */
const methods = [
  "({ async run %M }).run",
  "({ async 'quoted name' %M })['quoted name']",
  "({ async [NAME] %M })[NAME]",
  "({ deep: { async er %M } }).deep.er",
  "box({ tools: { async search %M } }).tools.search",
  "(class { static async run %M }).run",
  "(class { static async #run %M; static get run() { return this.#run; } }).run",
  "new (class { async run %M })().run",
  "new (class { async #run %M; get run() { return this.#run; } })().run",
  "(class { static { this.prototype.x = 1; } declare x: number; static async run %M }).run",
  "(() => ({ async run %M }))().run",
  "(() => new (class { async run %M })())().run",
];

/** Statements that define `%N`, with an expression at `%V` or the rest of a declaration at `%F`. */
const definitions = [
  "const %N = %V;",
  "let %N = %V;",
  "var %N = %V;",
  "const { %N } = { %N: %V };",
  "const [%N] = [%V];",
  "const make_%N = () => (%V); const %N = make_%N();",
  "function make_%N() { return %V; } const %N = make_%N();",
  "const make_%N = (fee: number) => { const extra = fee; return %V; }; const %N = make_%N(3);",
  "class Class_%N { static member = %V; } const %N = Class_%N.member;",
  "class Class_%N { member = %V; } const %N = new Class_%N().member;",
  "const box_%N: any = {}; box_%N.member = %V; const %N = box_%N.member;",
  "let %N: any; { const inner_%N = %V; %N = inner_%N; }",
  "let %N: any; if (yes) { const inner_%N = %V; %N = inner_%N; }",
  "let %N: any; for (const i of [1]) { const inner_%N = %V; %N = inner_%N; }",
  "let %N: any; try { const inner_%N = %V; %N = inner_%N; } finally {}",
  "async function %N %F",
  "let %N: any; { async function inner_%N %F; %N = inner_%N; }",
  "let %N: any; if (yes) { async function inner_%N %F; %N = inner_%N; }",
  "function make_%N() { async function inner_%N %F; return inner_%N; } const %N = make_%N();",
  "function make_%N() { return inner_%N; async function inner_%N %F } const %N = make_%N();",
];

/** Those that only the top level of a module allows. */
const topLevelDefinitions = [
  "export const %N = %V;",
  "export let %N = %V;",
  "export async function %N %F",
  "namespace Space_%N { export const member = %V; } const %N = Space_%N.member;",
  "namespace Space_%N { export async function member %F } const %N = Space_%N.member;",
  "export const { %N = %V }: any = {};",
];

/** Definitions of the workflow, with its body at `%B`. */
const mains = [
  "export async function main() %B",
  "export const main = async () => %B;",
  "export const main = async function () %B;",
  "const api = { flows: { async main() %B } }; export const main = api.flows.main;",
  "class Flows { static async main() %B } export const main = Flows.main;",
  "const held = box([async function main() %B]); export const main = held[0];",
  "export const main = yes ? async () => %B : null;",
];

const prelude = `
const moduleConstant = "module";
const NAME = "name";
const yes = true as boolean, no = false as boolean;
const wrap = (f: any, _?: any) => async (x: any) => ["wrapped", await f(x)];
const first = (f: any, ..._rest: any[]) => f;
const box = <T>(x: T): T => x;
const tag = (_: any, f: any) => f;
class Box { value: any; constructor(value: any) { this.value = value; } }
`;

const validDirectives = (kind: string) => [
  `"use ${kind}";`,
  `'use ${kind}';`,
  `'use ${kind}'\n`,
  `"use strict"; "use ${kind}";`,
  `/* a comment */ "use ${kind}"; // another\n`,
  `"use ${kind}"; "use ${kind}";`,
];
const invalidDirectives = (kind: string) => [
  `"use ${kind.slice(1)}";`,
  `"Use ${kind}";`,
  `"use-${kind}";`,
  `\`use ${kind}\`;`,
  `"use\\x20${kind}";`,
  `("use ${kind}");`,
  `void 0; "use ${kind}";`,
  `{ "use ${kind}"; }`,
  `"use step"; "use workflow";`,
  `"use ${kind}" as string;`,
];

const directive = (kind: "step" | "workflow") =>
  fc.oneof(
    { weight: 15, arbitrary: fc.constantFrom(...validDirectives(kind)).map((text) => ({ text, kind, isValid: true })) },
    { weight: 1, arbitrary: fc.constantFrom(...invalidDirectives(kind)).map((text) => ({ text, kind, isValid: false })) },
  );

/** The text of a marked function; it answers with its number, its argument and a variable around it. */
function functionText({ index, form, usesVariable }: Slot, variable: string): string {
  const rest = restText(index, usesVariable ? variable : "0");
  if (form === "arrow") return rest.replace(" ", " => ").replace("(x:any)", "async (x: any)");
  return `async function${form === "named" ? ` own_${index}` : ""} ${rest}`;
}

const restText = (index: number, variable: string) => `(x:any) { %D${index}% return ["mark ${index}", x, ${variable}]; }`;

/** A definition of `n1` for step 1, and so on. */
const definition = (index: number, isTop: boolean) =>
  fc
    .record({
      form: fc.constantFrom("arrow" as const, "expression" as const, "named" as const),
      usesVariable: fc.boolean(),
      outer: fc.constantFrom(...definitions, ...(isTop ? topLevelDefinitions : [])),
      inner: fc.array(fc.constantFrom(...expressions), { maxLength: 2 }),
      method: fc.option(fc.constantFrom(...methods), { freq: 4 }),
    })
    .map(({ form, usesVariable, outer, inner, method }) => {
      const around = isTop ? "moduleConstant" : "local";
      const variable = outer.includes("extra") ? "extra" : outer.includes("of [1]") ? "i" : around;
      const rest = restText(index, usesVariable ? variable : "0");
      let value = method === null ? functionText({ index, form, usesVariable }, variable) : method.replace("%M", () => rest);
      for (const expression of inner) value = expression.replace("%E", () => value);
      return outer
        .replaceAll("%N", `n${index}`)
        .replace("%V", () => value)
        .replace("%F", () => rest);
    });

/** Modules with a workflow `main` that calls all steps, which stand at the top level or inside it. */
export const programs: fc.Arbitrary<FuzzProgram> = fc
  .record({ top: fc.integer({ min: 0, max: 2 }), nested: fc.integer({ min: 0, max: 2 }), main: fc.nat(mains.length - 1) })
  .filter(({ top, nested }) => top + nested > 0)
  .chain(({ top, nested, main }) => {
    const indices = Array.from({ length: top + nested }, (_, index) => index + 1);
    return fc
      .tuple(
        fc.tuple(...indices.map((index) => definition(index, index <= top))),
        directive("workflow"),
        fc.tuple(...indices.map(() => directive("step"))),
      )
      .map(([texts, workflow, steps]) => ({
        template: moduleText(texts.slice(0, top), texts.slice(top), mains[main] ?? ""),
        directives: [workflow, ...steps],
      }));
  });

function moduleText(top: readonly string[], nested: readonly string[], main: string): string {
  const calls = Array.from(
    { length: top.length + nested.length },
    (_, index) => `out.push(await (n${index + 1} as any)("arg ${index + 1}"));`,
  );
  const body = `{ %D0% const local = "local"; const out: any[] = ["mark 0"]; ${nested.join("\n")} ${calls.join(" ")} return out; }`;
  return `${prelude}\n${top.join("\n")}\n${main.replace("%B", () => body)}\n`;
}
