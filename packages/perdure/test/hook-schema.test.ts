import * as v from "valibot";
import { expect, expectTypeOf, test } from "vitest";
import * as z from "zod";

import { getHookByToken, start } from "../src/api/index.ts";
import { HookPayloadInvalidError } from "../src/errors/index.ts";
import { defineHook, type HookDefinition } from "../src/index.ts";
import { workflowOf } from "./support/bundle.ts";
import { until, useWorld } from "./support/lab.ts";

/** A run that waits at a token and returns what came. */
async function waiting(token: string): Promise<{ returnValue: Promise<unknown> }> {
  const code = workflowOf(`s#${token}`, `async()=>await createHook({token:'${token}'})`);
  await useWorld();
  const run = await start(code, []);
  await until(async () => (await getHookByToken(token).catch(() => null)) !== null, "the hook");
  return run;
}

const order = z.object({ items: z.array(z.object({ price: z.string().transform(Number) })), at: z.coerce.date().default(new Date(5)) });

test("what arrives is what the schema made of the payload", async () => {
  const hook = defineHook({ schema: order });
  const run = await waiting("made");
  await hook.resume("made", { items: [{ price: "12" }] });
  expect(await run.returnValue).toEqual({ items: [{ price: 12 }], at: new Date(5) });
});

test("a payload that does not fit is refused with every issue and its path, and nothing is delivered", async () => {
  const hook = defineHook({ schema: order });
  const run = await waiting("refused");
  const error: unknown = await hook.resume("refused", { items: [{ price: 1 }], at: "never" } as never).catch((thrown: unknown) => thrown);
  if (!HookPayloadInvalidError.is(error)) throw error;
  expect(error.code).toBe("HOOK_PAYLOAD_INVALID");
  expect(error.issues.map(({ path }) => path)).toEqual([["items", 0, "price"], ["at"]]);
  expect(error.message).toContain("items.0.price: ");
  await hook.resume("refused", { items: [] });
  expect(await run.returnValue).toEqual({ items: [], at: new Date(5) });
});

test("schemas may take their time, and may be anybody's", async () => {
  const taken = new Set(["ann"]);
  const name = v.pipeAsync(
    v.string(),
    v.checkAsync(async (text) => Promise.resolve(!taken.has(text)), "is taken"),
    v.transform((text) => text.toUpperCase()),
  );
  const hook = defineHook({ schema: v.objectAsync({ name }) });
  const run = await waiting("patient");
  await expect(hook.resume("patient", { name: "ann" })).rejects.toMatchObject({
    issues: [{ message: "is taken", path: ["name"] }],
  });
  await hook.resume("patient", { name: "bob" });
  expect(await run.returnValue).toEqual({ name: "BOB" });
});

test("what is no schema is refused where the hook is defined", () => {
  expect(() => defineHook({ schema: { parse: String } as never })).toThrow("Standard Schema");
});

test("a definition knows what is sent and what arrives", () => {
  const hook = defineHook({ schema: order });
  expectTypeOf(hook).toEqualTypeOf<HookDefinition<z.input<typeof order>, z.output<typeof order>>>();
  expectTypeOf(defineHook<{ approved: boolean }>()).toEqualTypeOf<HookDefinition<{ approved: boolean }>>();
});
