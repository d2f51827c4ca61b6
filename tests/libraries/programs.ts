/** Workflows that use packages which runs share. Each does something with its package three times, with a step in between. */
export interface LibraryProgram {
  /** The imports and what else is at the top of the module. */
  readonly top: string;
  /** The text of a function of the run's name and the turn. */
  readonly body: string;
  /** What the function gives. */
  readonly result: (name: string, turn: number) => unknown;
  /** The workflow uses state of the package, and so has it to itself. */
  readonly isStateful?: true;
}

const usage = `{ inputTokens: { total: 3, noCache: 3, cacheRead: 0, cacheWrite: 0 }, outputTokens: { total: 2, text: 2, reasoning: 0 } }`;

export const programs: Readonly<Record<string, LibraryProgram>> = {
  zod: {
    top: `import { z } from "zod";
      const Order = z.object({ who: z.string(), n: z.number().int().positive(), at: z.coerce.date() });
      class Shout extends z.ZodString { loud() { return this.def.type.toUpperCase(); } }`,
    body: `(name, turn) => {
      const Named = z.object({ name: z.literal(name), turn: z.literal(turn) }).meta({ id: "named", title: name + turn });
      const bad = Order.safeParse({ who: name, n: -1, at: 0 });
      return [Order.parse({ who: name, n: turn + 1, at: Date.now() }).at.getTime() === Date.now(), Named.parse({ name, turn }), Named.meta().title, z.toJSONSchema(z.object({}).meta({ title: name + turn })).title,
        bad.error.issues.map((issue) => issue.path.join()), z.uuid().safeParse(crypto.randomUUID()).success, new Shout({ type: "string" }).loud()];
    }`,
    result: (name, turn) => [true, { name, turn }, name + turn, name + turn, ["n"], true, "STRING"],
  },
  "zod, with its registry": {
    top: `import { z } from "zod";`,
    body: `(name, turn) => { z.string().meta({ id: name + turn }); return Object.keys(z.toJSONSchema(z.globalRegistry).schemas); }`,
    result: (name, turn) => Array.from({ length: turn + 1 }, (_, index) => name + index),
    isStateful: true,
  },
  valibot: {
    top: `import * as v from "valibot";\nconst Order = v.object({ who: v.string(), n: v.pipe(v.number(), v.minValue(1)) });`,
    body: `(name, turn) => [v.parse(Order, { who: name, n: turn + 1 }), v.safeParse(Order, { who: name, n: 0 }).issues.map((issue) => issue.message)]`,
    result: (who, turn) => [{ who, n: turn + 1 }, ["Invalid value: Expected >=1 but received 0"]],
  },
  lodash: {
    top: `import _ from "lodash";\nlet calls = 0;\nconst once = _.memoize((key) => key + ++calls);`,
    body: `(name, turn) => [once(name), _.isEqual(_.sortBy(_.shuffle(_.range(9))), _.range(9)), _.chain([1, 2, 3]).groupBy((n) => n % 2).mapValues((g) => g.length + turn).value(), _.now() === Date.now()]`,
    result: (name, turn) => [`${name}1`, true, { 0: 1 + turn, 1: 2 + turn }, true],
  },
  "lodash, with its counter": {
    top: `import _ from "lodash";`,
    body: `(name) => _.uniqueId(name)`,
    result: (name, turn) => `${name}${turn + 1}`,
    isStateful: true,
  },
  "date-fns": {
    top: `import { addDays, differenceInDays, formatISO, isPast } from "date-fns";`,
    body: `(name, turn) => [differenceInDays(addDays(Date.now(), turn), Date.now()), formatISO(0), isPast(addDays(new Date(), 1)), formatISO(new Date()).slice(0, 19) === new Date().toISOString().slice(0, 19)]`,
    result: (_, turn) => [turn, "1970-01-01T00:00:00Z", false, true],
  },
  "date-fns, with other defaults": {
    top: `import { getDefaultOptions, setDefaultOptions } from "date-fns";`,
    body: `(name, turn) => { const before = getDefaultOptions().firstWeekContainsDate ?? null; setDefaultOptions({ firstWeekContainsDate: turn + 1 }); return before; }`,
    result: (_, turn) => (turn === 0 ? null : turn),
    isStateful: true,
  },
  ai: {
    top: `import { generateText, stepCountIs, tool } from "ai";\nimport { z } from "zod";
      let current;
      async function generate(name, turn, isFirst) {
        "use step";
        const content = isFirst ? { type: "tool-call", toolCallId: "c1", toolName: "weather", input: '{"city":"Oslo"}' } : { type: "text", text: name + turn };
        return { content: [content], finishReason: { unified: isFirst ? "tool-calls" : "stop", raw: "stop" }, usage: ${usage}, warnings: [] };
      }`,
    body: `async (name, turn) => {
      const doGenerate = ({ prompt }) => generate(name, turn, !prompt.some(({ role }) => role === "tool"));
      // By its name, the model comes from the provider that this run has set.
      globalThis.AI_SDK_DEFAULT_PROVIDER ??= { specificationVersion: "v3", languageModel: (modelId) => ({ specificationVersion: "v3", provider: name, modelId, supportedUrls: {}, doGenerate: (...args) => current(...args), doStream() {} }) };
      current = doGenerate;
      const weather = tool({ description: "w", inputSchema: z.object({ city: z.string() }), execute: async ({ city }) => city + name });
      const { text, steps, totalUsage } = await generateText({ model: "mock", prompt: "How is Oslo?", tools: { weather }, stopWhen: stepCountIs(3) });
      return [text, steps.length, steps[0].toolResults[0].output, totalUsage.inputTokens, steps[0].model.provider];
    }`,
    result: (name, turn) => [name + turn, 2, `Oslo${name}`, 6, name],
  },
};
