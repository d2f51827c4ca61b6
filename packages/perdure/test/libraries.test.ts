import { simulateReadableStream } from "ai";
import { MockLanguageModelV3 } from "ai/test";
import { expect, test } from "vitest";

import { step } from "../src/internal.ts";
import { bundleLibraries } from "./support/library-bundle.ts";
import { liveAndReplayed } from "./support/live-and-replayed.ts";

/** Programs that use libraries as any application does, and what they come to. */
const programs: Readonly<Record<string, readonly [code: string, result: unknown]>> = {
  zod: [
    `import { z } from "zod";
    const Order = z.object({ id: z.uuid(), at: z.iso.datetime(), items: z.array(z.object({ n: z.number().int().positive() })).min(1), note: z.string().trim().default("-") });
    const Event = z.discriminatedUnion("type", [z.object({ type: z.literal("paid"), order: Order }), z.object({ type: z.literal("void") })]);
    export default async () => {
      const good = Event.parse({ type: "paid", order: { id: crypto.randomUUID(), at: new Date().toISOString(), items: [{ n: 1 }] } });
      const bad = Event.safeParse({ type: "paid", order: { id: 1, items: [] } });
      return [good.order.note, bad.error.issues.map((i) => i.path.join(".")), await z.string().transform(async (s) => s.length).parseAsync("four"), z.coerce.date().parse("2020-01-01").getTime()];
    };`,
    ["-", ["order.id", "order.at", "order.items"], 4, 1577836800000],
  ],
  valibot: [
    `import * as v from "valibot";
    const Schema = v.object({ email: v.pipe(v.string(), v.email()), age: v.optional(v.pipe(v.number(), v.minValue(18)), 18) });
    export default async () => [v.parse(Schema, { email: "a@b.co" }), v.safeParse(Schema, { email: "x", age: 3 }).issues.map((i) => i.type)];`,
    [{ email: "a@b.co", age: 18 }, ["email", "min_value"]],
  ],
  "date-fns": [
    `import { addBusinessDays, differenceInCalendarDays, endOfMonth, format, formatDistance, formatISO, isBefore, parse, startOfWeek } from "date-fns";
    import { de } from "date-fns/locale";
    export default async () => {
      const start = new Date("2026-01-30T22:30:00Z");
      return [format(start, "yyyy-MM-dd HH:mm:ss xxx"), format(start, "PPPP", { locale: de }), formatISO(addBusinessDays(start, 3)), differenceInCalendarDays(endOfMonth(start), start),
        formatDistance(start, new Date("2026-03-30"), { addSuffix: true }), isBefore(start, Date.now()), startOfWeek(start).toISOString(), parse("12.05.2026 10:00", "dd.MM.yyyy HH:mm", new Date()).getTime()];
    };`,
    [
      "2026-01-30 22:30:00 +00:00",
      "Freitag, 30. Januar 2026",
      "2026-02-04T22:30:00Z",
      1,
      "about 2 months ago",
      true,
      "2026-01-25T00:00:00.000Z",
      Date.UTC(2026, 4, 12, 10),
    ],
  ],
  lodash: [
    `import _ from "lodash";
    export default async () => {
      const list = _.range(6).map((n) => ({ n, odd: n % 2 === 1, deep: { tags: ["t" + n] } }));
      const shuffled = _.shuffle(list), copy = _.cloneDeep(list);
      return [_(list).groupBy("odd").mapValues((g) => _.sumBy(g, "n")).value(), _.isEqual(copy, list), _.isEqual(_.sortBy(shuffled, "n"), list), _.merge({ a: { b: 1 } }, { a: { c: [2] } }),
        _.get(list, "[3].deep.tags[0]"), (() => { try { return _.template("hi <%= name %>")({ name: 1 }); } catch (e) { return e.name; } })(), _.memoize((x) => x + 1)(1), _.uniqueId("u"), _.isPlainObject({}), _.camelCase("Foo bar")];
    };`,
    [{ false: 6, true: 9 }, true, true, { a: { b: 1, c: [2] } }, "t3", "EvalError", 2, "u1", true, "fooBar"],
  ],
  immer: [
    `import { produce, enableMapSet, current, freeze } from "immer";
    enableMapSet();
    export default async () => {
      const before = freeze({ list: [1, 2], map: new Map([["a", { n: 1 }]]), date: new Date(0) }, true);
      const after = produce(before, (draft) => { draft.list.push(3); draft.map.get("a").n++; });
      return [before.list, after.list, before.map.get("a").n, after.map.get("a").n, after.date === before.date, Object.isFrozen(after)];
    };`,
    [[1, 2], [1, 2, 3], 1, 2, true, true],
  ],
  neverthrow: [
    `import { err, errAsync, ok, okAsync, Result, ResultAsync } from "neverthrow";
    export default async () => {
      const parse = Result.fromThrowable(JSON.parse, (e) => e.name);
      const chain = await okAsync(1).andThen((n) => (n > 0 ? okAsync(n + 1) : errAsync("neg"))).map((n) => n * 10);
      return [parse("{").isErr(), parse("{").error, chain.value, ok(1).isOk(), err("e")._unsafeUnwrapErr(), (await ResultAsync.combine([okAsync(1), errAsync("no")])).error];
    };`,
    [true, "SyntaxError", 20, true, "e", "no"],
  ],
  effect: [
    `import { Effect, Either, Option, Schema, pipe } from "effect";
    import * as all from "effect";
    class NotFound extends all.Data.TaggedError("NotFound") {}
    export default async () => {
      const program = Effect.gen(function* () {
        const n = yield* Effect.succeed(20);
        const missing = yield* pipe(Effect.fail(new NotFound({ id: 7 })), Effect.catchTag("NotFound", (e) => Effect.succeed(e.id)));
        const parts = yield* Effect.all([Effect.succeed(1), Effect.promise(async () => 2)], { concurrency: "unbounded" });
        return n + missing + parts[0] + parts[1];
      });
      const exit = await Effect.runPromiseExit(Effect.fail("boom"));
      return [await Effect.runPromise(program), exit._tag, Option.getOrElse(Option.none(), () => "none"), Effect.runSync(Effect.sync(() => 3))];
    };`,
    [30, "Failure", "none", 3],
  ],
};

test.each(Object.entries(programs))("%s runs unchanged in workflow code, live and replayed", async (name, [code, result]) => {
  const { live, replayed, seen } = await liveAndReplayed(await bundleLibraries(code));
  expect(replayed).toBe(live);
  expect(seen, name).toEqual(result);
});

test("generateText of ai runs in workflow code, with its model's calls as steps", async () => {
  let calls = 0;
  const model = new MockLanguageModelV3({
    doGenerate: async ({ prompt }) => {
      calls++;
      const isFirst = !prompt.some(({ role }) => role === "tool");
      const usage = {
        inputTokens: { total: 3, noCache: 3, cacheRead: 0, cacheWrite: 0 },
        outputTokens: { total: 2, text: 2, reasoning: 0 },
      };
      return {
        content: isFirst
          ? [{ type: "tool-call", toolCallId: "c1", toolName: "weather", input: '{"city":"Oslo"}' }]
          : [{ type: "text", text: "It is cold in Oslo." }],
        finishReason: isFirst ? { unified: "tool-calls", raw: "tool" } : { unified: "stop", raw: "stop" },
        usage,
        warnings: [],
      };
    },
  });
  expect(simulateReadableStream).toBeTypeOf("function");
  step("libraries#generate", async (options: Parameters<typeof model.doGenerate>[0]) => model.doGenerate(options), "generate");
  step("libraries#weather", async (city: string) => ({ city, degrees: -3, at: new Date(0) }), "weather");
  const code = `import { generateText, stepCountIs, tool } from "ai";
    import { z } from "zod";
    export default (callStep) => async () => {
      const model = { specificationVersion: "v3", provider: "mock", modelId: "mock", supportedUrls: {},
        doGenerate: ({ abortSignal, ...options }) => callStep("libraries#generate", [JSON.parse(JSON.stringify(options))]), doStream() {} };
      const weather = tool({ description: "w", inputSchema: z.object({ city: z.string() }), execute: ({ city }) => callStep("libraries#weather", [city]) });
      const { text, steps, totalUsage } = await generateText({ model, prompt: "How is Oslo?", tools: { weather }, stopWhen: stepCountIs(3) });
      return [text, steps.length, steps[0].toolResults[0].output.degrees, totalUsage.inputTokens];
    };`;
  const { live, replayed, seen } = await liveAndReplayed(`${await bundleLibraries(code)}(callStep)`);
  expect(replayed).toBe(live);
  expect(seen).toEqual(["It is cold in Oslo.", 2, -3, 6]);
  expect(calls).toBe(2);
});
