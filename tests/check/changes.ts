/** Changes to workflows of which runs are open, each in a workflow of its own. */

export interface Change {
  /** Also the name of the workflow; its steps begin with it. */
  readonly name: string;
  readonly before: string;
  readonly after: string;
  /** What is said of it: both sides, each with the text at whose place in `before` or `after` it is (null: no place). Left out: nothing. */
  readonly difference?: { readonly recorded: readonly [string, string | null]; readonly actual: readonly [string, string | null] };
  /** The step that is missing, or that has changed, and how. */
  readonly missing?: string;
  readonly changed?: readonly [step: string, difference: string];
}

const step = (name: string, rest = '(n: number): Promise<string> { "use step"; return "did " + n; }'): string =>
  `export async function ${name}${rest}\n`;

/** @param body lines of the workflow; each run waits at `await gate(n)` */
const workflow = (name: string, ...body: string[]): string =>
  `export async function ${name}(n: number) {\n  "use workflow";\n${body.map((line) => `  ${line}\n`).join("")}}\n`;

/** Its attempt is put off for longer than any test lasts. */
const failing = '(n: number): Promise<string> { "use step"; throw new RetryableError("later", { retryAfter: "1 day" }); }';

const token = (word: string): string => `hook hook#1 with the token "${word} `;

const id = (name: string): string => `step app/app.ts#${name}#1`;
const steps = (...names: string[]): string => names.map((name) => step(name)).join("");

export const incompatible: readonly Change[] = [
  {
    name: "added",
    before: steps("added1", "added2") + workflow("added", "await added1(n);", "await gate(n);"),
    after: steps("added1", "added2") + workflow("added", "await added2(n);", "await added1(n);", "await gate(n);"),
    difference: { recorded: [id("added1"), "added1(n);"], actual: [id("added2"), "added2(n);"] },
  },
  {
    name: "removed",
    before: steps("removed1", "removed2") + workflow("removed", "await removed1(n);", "await removed2(n);", "await gate(n);"),
    after: steps("removed1", "removed2") + workflow("removed", "await removed1(n);", "await gate(n);"),
    difference: { recorded: [id("removed2"), "removed2(n);"], actual: ["hook hook#1", "createHook"] },
  },
  {
    name: "reordered",
    before: steps("reordered1", "reordered2") + workflow("reordered", "await reordered1(n);", "await reordered2(n);", "await gate(n);"),
    after: steps("reordered1", "reordered2") + workflow("reordered", "await reordered2(n);", "await reordered1(n);", "await gate(n);"),
    difference: { recorded: [id("reordered1"), "reordered1(n);"], actual: [id("reordered2"), "reordered2(n);"] },
  },
  {
    name: "renamed",
    before: steps("renamed1") + workflow("renamed", "await renamed1(n);", "await gate(n);"),
    after: steps("renamed2") + workflow("renamed", "await renamed2(n);", "await gate(n);"),
    difference: { recorded: [id("renamed1"), "renamed1(n);"], actual: [id("renamed2"), "renamed2(n);"] },
    missing: "renamed1",
  },
  {
    name: "looped",
    before: steps("looped1") + workflow("looped", "for (let i = 0; i < 2; i++) await looped1(i);", "await gate(n);"),
    after: steps("looped1") + workflow("looped", "for (let i = 0; i < 3; i++) await looped1(i);", "await gate(n);"),
    difference: { recorded: ["hook hook#1", "createHook"], actual: ["step app/app.ts#looped1#3", "looped1(i);"] },
  },
  {
    name: "sequential",
    before:
      steps("sequential1", "sequential2") +
      workflow("sequential", "await Promise.all([sequential1(n), sequential2(n)]);", "await gate(n);"),
    after: steps("sequential1", "sequential2") + workflow("sequential", "await sequential1(n);", "await sequential2(n);", "await gate(n);"),
    difference: { recorded: [id("sequential2"), "sequential2(n)]"], actual: ["nothing more", null] },
  },
  {
    name: "decided",
    before:
      steps("decided1", "decided2") + workflow("decided", "if (n < 1000) await decided1(n);", "else await decided2(n);", "await gate(n);"),
    after:
      steps("decided1", "decided2") + workflow("decided", "if (n >= 1000) await decided1(n);", "else await decided2(n);", "await gate(n);"),
    difference: { recorded: [id("decided1"), "decided1(n);"], actual: [id("decided2"), "decided2(n);"] },
  },
  {
    name: "shorter",
    before: steps("shorter1") + workflow("shorter", "await shorter1(n);", "await gate(n);"),
    after: steps("shorter1") + workflow("shorter", "await shorter1(n);", "return n;"),
    difference: { recorded: ["hook hook#1", "createHook"], actual: ["completed", null] },
  },
  {
    name: "throwing",
    before: steps("throwing1") + workflow("throwing", "const text = await throwing1(n);", "await gate(n);", "return text;"),
    after: steps("throwing1") + workflow("throwing", "const text = await throwing1(n);", "JSON.parse(text);", "await gate(n);"),
    difference: { recorded: ["hook hook#1", "createHook"], actual: ["failed: SyntaxError: ", "parse(text)"] },
  },
  {
    name: "told",
    before: workflow("told", 'await createHook({ token: "told " + n });'),
    after: workflow("told", 'await createHook({ token: "tell " + n });'),
    difference: {
      recorded: [token("told"), 'createHook({ token: "told'],
      actual: [token("tell"), 'createHook({ token: "tell'],
    },
  },
  {
    name: "slept",
    before: workflow("slept", 'await sleep("30 days");'),
    after: workflow("slept", 'await sleep("60 days");'),
    difference: { recorded: ["wait sleep#1 until ", 'sleep("30'], actual: ["wait sleep#1 until ", 'sleep("60'] },
  },
  {
    name: "given",
    before: step("given1", failing) + workflow("given", "await given1(n);"),
    after: step("given1", failing) + workflow("given", "await given1(n * 100);"),
    difference: {
      recorded: ["step app/app.ts#given1#1 with its input", "given1(n);"],
      actual: ["step app/app.ts#given1#1 with another input", "given1(n * 100);"],
    },
  },
  {
    name: "started",
    before: steps("started1") + workflow("started", "await started1(n);", "await gate(n);"),
    after:
      steps("started1") +
      workflow("child", "return n;") +
      workflow("started", "await (await start(child, [n])).returnValue;", "await gate(n);"),
    difference: { recorded: [id("started1"), "started1(n);"], actual: ["start app/app.ts#child#1", "start(child"] },
  },
  {
    name: "gone",
    before: steps("gone1") + workflow("gone", "await gate(n);", "await gone1(n);"),
    after: workflow("gone", "await gate(n);"),
    missing: "gone1",
  },
  {
    name: "typed",
    before:
      step("typed1", '(n: number, currency: string): Promise<string> { "use step"; return currency + n; }') +
      workflow("typed", "await gate(n);", 'await typed1(n, "EUR");'),
    after:
      step("typed1", '(n: number, currency: { code: string }): Promise<string> { "use step"; return currency.code + n; }') +
      workflow("typed", "await gate(n);", 'await typed1(n, { code: "EUR" });'),
    changed: ["typed1", 'parameter 2 was "string" and is "{ code: string }"'],
  },
  // The same version: types are no part of a bundle.
  {
    name: "passed",
    before:
      step("passed1", '(order: number): Promise<string> { "use step"; return "did " + order; }') +
      workflow("passed", "await gate(n);", "await passed1(n);"),
    after:
      step("passed1", '(order: number & { kind: "order" }): Promise<string> { "use step"; return "did " + order; }') +
      workflow("passed", "await gate(n);", "await passed1(n as never);"),
    changed: ["passed1", 'parameter 1 was "number" and is "number & { kind: "order" }"'],
  },
];

export const compatible: readonly Change[] = [
  {
    name: "formatted",
    before: steps("formatted1") + workflow("formatted", "await formatted1(n);", "await gate(n);"),
    after: steps("formatted1") + workflow("formatted", "// The first step.", "await formatted1(", "  n,", ");", "", "await gate(n);"),
  },
  {
    name: "mended",
    before: steps("mended1") + workflow("mended", "await mended1(n);", "await gate(n);"),
    after:
      step("mended1", '(n: number): Promise<string> { "use step"; return "did more than " + n; }') +
      workflow("mended", "await mended1(n);", "await gate(n);"),
  },
  {
    name: "unreached",
    before:
      "export const unreachedHelper = () => 1;\n" + steps("unreached1") + workflow("unreached", "await unreached1(n);", "await gate(n);"),
    after:
      "export const unreachedHelper = () => 2;\n" + steps("unreached1") + workflow("unreached", "await unreached1(n);", "await gate(n);"),
  },
  {
    name: "refactored",
    before: steps("refactored1") + workflow("refactored", "for (let i = 0; i < 2; i++) await refactored1(i);", "await gate(n);"),
    after:
      "const twice = async (act: (i: number) => Promise<unknown>) => { for (const i of [0, 1]) await act(i); };\n" +
      steps("refactored1") +
      workflow("refactored", "await twice(refactored1);", "const value = await gate(n);", "return value;"),
  },
  {
    name: "longer",
    before: steps("longer1", "longer2") + workflow("longer", "await longer1(n);", "await gate(n);"),
    after: steps("longer1", "longer2") + workflow("longer", "await longer1(n);", "await gate(n);", "await longer2(n);"),
  },
  {
    name: "upgraded",
    before: steps("upgraded1") + workflow("upgraded", "await upgraded1(n);", "await gate(n);", 'return "old";'),
    after:
      steps("upgraded1") +
      workflow("upgraded", "await upgraded1(n);", "await gate(n);", 'return "new";') +
      'upgraded.options = { upgrade: "compatible" };\n',
  },
  {
    name: "asked",
    before: steps("asked1", "asked2") + workflow("asked", "await asked1(n);", "await gate(n);"),
    after:
      steps("asked1", "asked2") + workflow("asked", 'if (patched("asked 2026")) await asked2(n);', "await asked1(n);", "await gate(n);"),
  },
  {
    name: "tried",
    before: steps("tried1") + workflow("tried", "await gate(n);", "await tried1(n);"),
    after:
      step("tried1", '(amount: number, note = ""): Promise<string> { "use step"; return note + amount; }') +
      workflow("tried", "await gate(n);", "await withOptions(tried1, { maxRetries: 9 })(n);"),
  },
];
