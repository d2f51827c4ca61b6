import { Readable } from "node:stream";
import { afterEach, expect, test, vi } from "vitest";
import { createBackOff } from "../src/worker/back-off.ts";
import { nodeOptionsFor } from "../src/worker/find-entry.ts";
import { relay } from "../src/worker/relay.ts";

afterEach(() => vi.unstubAllEnvs());

test("processes get room for young objects, unless they are told how much, and the loader for an entry in TypeScript", () => {
  const optionsFor = (file: string): readonly string[] => nodeOptionsFor({ file, name: file }).slice(process.execArgv.length);
  vi.stubEnv("NODE_OPTIONS", "--no-warnings");
  expect(optionsFor("/app/worker.js")).toEqual(["--max-semi-space-size=64"]);
  expect(optionsFor("/app/worker.mts")).toEqual(["--max-semi-space-size=64", "--import", expect.stringMatching(/^file:.*register/)]);
  vi.stubEnv("NODE_OPTIONS", "--max_semi_space_size=8 --import @perdure/compiler/register");
  expect(optionsFor("/app/worker.mts")).toEqual([]);
});

test("the pause before a process is started again doubles up to 30 s, and is short again after a life of a minute", () => {
  const backOff = createBackOff();
  expect([0, 0, 10, 59_999, 0, 0, 0].map((livedMs) => backOff.next(livedMs))).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
  expect([60_000, 5].map((livedMs) => backOff.next(livedMs))).toEqual([1000, 2000]);
});

async function relayed(...chunks: readonly (string | Buffer)[]): Promise<string> {
  let text = "";
  await relay(Readable.from(chunks.map((chunk) => Buffer.from(chunk))), "[1] ", async (part) => void (text += part));
  return text;
}

test("each line that a process prints gets its number, however the lines are cut", async () => {
  expect(await relayed("one\ntw", "o\n\nthr", "ee")).toBe("[1] one\n[1] two\n[1] \n[1] three\n");
  const euro = Buffer.from("€\n");
  expect(await relayed(euro.subarray(0, 1), euro.subarray(1))).toBe("[1] €\n");
  expect(await relayed()).toBe("");
});

test("a line without an end is passed on in pieces", async () => {
  const text = await relayed("x".repeat(70_000), "y\n");
  expect(text).toBe(`[1] ${"x".repeat(70_000)}\n[1] y\n`);
});
