/**
 * Histories that were recorded by this release and by former ones, with the code of their runs, are replayed for ever: `scripts/record-histories.mjs` has made them, one folder for each
 * release that needed one, and nothing in them is ever changed. When one fails, it is the runtime that must be mended.
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { decode } from "../src/codec/index.ts";
import { PerdureError } from "../src/errors/perdure-error.ts";
import { each } from "../src/few.ts";
import { readHistory, type RecordedHistory } from "../src/recorded-history.ts";
import { HistoryDifferenceError } from "../src/testing/index.ts";
import { replayOn } from "../src/testing/replay-history.ts";
import { createRehearsal } from "../src/worker/rehearsal.ts";

const place = join(import.meta.dirname, "recorded");

interface Expected {
  readonly status: string;
  readonly waits: readonly object[];
  readonly inputs: Readonly<Record<string, readonly unknown[]>>;
}

interface Fixture {
  readonly title: string;
  readonly history: RecordedHistory;
  readonly expected: Expected;
}

const read = (...path: string[]): unknown => JSON.parse(readFileSync(join(place, ...path), "utf8"));

const fixtures: Fixture[] = readdirSync(place)
  .filter((folder) => folder !== "programs")
  .flatMap((folder) => {
    const expected = read(folder, "expected.json") as Readonly<Record<string, Expected>>;
    const files = readdirSync(join(place, folder)).filter((file) => file !== "expected.json");
    return files.map((file) => ({
      title: `${folder}/${file.replace(/\.json$/, "")}`,
      history: read(folder, file) as RecordedHistory,
      expected: expected[file.replace(/\.json$/, "")]!,
    }));
  });

const fixture = (title: string): RecordedHistory => structuredClone(fixtures.find((one) => one.title === title)!.history);

/** As JSON has it: times as text. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

const replayed = (history: RecordedHistory): ReturnType<typeof replayOn> => {
  const known = readHistory(history, "The fixture");
  return replayOn(known.bundle!, known);
};

const failureOf = async (history: RecordedHistory): Promise<unknown> => replayed(history).catch((error: unknown) => error);

describe("histories of all releases", () => {
  test.each(fixtures)("$title comes to what was recorded", async ({ history, expected }) => {
    const run = await replayed(history);
    expect(run.status).toBe(expected.status);
    if (run.status === "running" && history.status === "running") expect(plain(run.waits)).toEqual(expected.waits);
    if (run.status === "completed") expect(history.output).not.toBeNull();
    const { machine } = await createRehearsal(history.placed).rehearse(
      readHistory(history, "The fixture"),
      readHistory(history, "The fixture").bundle!,
      null,
    );
    const steps = [...each(machine.pending)].flatMap((one) => (one.kind === "step" ? [[one.op, plain(decode(one.input))] as const] : []));
    if (history.status === "running") expect(Object.fromEntries(steps)).toEqual(expected.inputs);
  });

  test("between them they have every kind of event, of ask and of wait, and both protocols", () => {
    const rows = fixtures.flatMap(({ history }) => history.rows);
    expect([...new Set(rows.map(({ event }) => event.type))].toSorted()).toEqual([
      "cancel_requested",
      "hook_conflict",
      "hook_received",
      "reply_given",
      "request_refused",
      "run_abandoned",
      "run_accepted",
      "run_cancelled",
      "run_completed",
      "run_failed",
      "run_missing",
      "run_started",
      "step_completed",
      "step_failed",
      "step_progress",
      "step_retrying",
      "step_started",
      "wait_completed",
      "wake_requested",
    ]);
    expect([...new Set(rows.flatMap(({ asks }) => asks.map((ask) => ask.split(" ")[0]!)))].toSorted()).toEqual([
      "attributes",
      "await",
      "cancel",
      "cancelled",
      "chunk",
      "close",
      "completed",
      "continued",
      "dispose",
      "failed",
      "hook",
      "patch",
      "reply",
      "request",
      "start",
      "state",
      "step",
      "wait",
    ]);
    const kinds = fixtures.flatMap(({ expected }) => expected.waits.map((wait) => (wait as { kind: string }).kind));
    expect([...new Set(kinds)].toSorted()).toEqual(["hook", "run", "step", "wait"]);
    expect(new Set(fixtures.map(({ history }) => /^\/\*perdure:(\d)/.exec(history.bundle!.code)?.[1]))).toEqual(new Set(["1", "2"]));
    expect(fixtures.some(({ history }) => history.input.settings["reseeds"])).toBe(true);
  });
});

describe("a history that was altered is found out (NONDETERMINISM)", () => {
  const closed = fixtures.filter(({ history }) => history.rows.some(({ asks }) => asks.length > 0));

  test.each(closed)("$title, by any of its asks", async ({ title, history }) => {
    for (const [row, { asks }] of history.rows.entries()) {
      for (const index of asks.keys()) {
        const altered = fixture(title);
        const list = altered.rows[row]!.asks as string[];
        list[index] = `${list[index]!}x`;
        const error = await failureOf(altered);
        expect(HistoryDifferenceError.is(error) && error.row).toBe(row + 1);
        expect(error).toMatchObject({ code: "NONDETERMINISM", recorded: list[index] });
      }
    }
  });

  test.each(closed.filter(({ history, expected }) => history.output && expected.status === "completed"))(
    "$title, by its result",
    async ({ title, history }) => {
      const error = await failureOf({ ...fixture(title), output: 'j["another result"]' });
      expect(error).toMatchObject({ code: "NONDETERMINISM", row: history.rows.length, recorded: "completed with [ 'another result' ]" });
    },
  );

  test.each([
    ["by the class of its error", '"RangeError","RangeError","the card was declined"', "failed with RangeError: the card was declined"],
    ["by the message of its error", '"FatalError","FatalError","the card was stolen"', "failed with FatalError: the card was stolen"],
  ])("0.1/compensated, %s", async (_, head, recorded) => {
    const history = fixture("0.1/compensated");
    const output = history.output!.replace(/"FatalError","FatalError","the card was declined"/, head);
    expect(output).not.toBe(history.output);
    expect(await failureOf({ ...history, output })).toMatchObject({ recorded, actual: "failed with FatalError: the card was declined" });
    // The stack is no difference.
    const moved = history.output!.replace(/"FatalError: the card was declined[^"]*"/, '"elsewhere"');
    expect(moved).not.toBe(history.output);
    expect(await replayed({ ...history, output: moved })).toMatchObject({ status: "failed" });
  });

  test("0.1/steps, by what a step returned", async () => {
    const history = fixture("0.1/steps");
    const row = history.rows.find(({ payload }) => payload === 'j"a name"')!;
    Object.assign(row, { payload: 'j"another name"' });
    const error = await failureOf(history);
    expect(error).toMatchObject({ code: "NONDETERMINISM", row: history.rows.length });
    expect((error as Error).message).toContain("'another name'");
  });
});

/** The same run, as if another compiler had made its code. */
function withCode(history: RecordedHistory, change: (code: string) => string): RecordedHistory {
  const code = change(history.bundle!.code);
  return { ...history, version: createHash("sha256").update(code).digest("hex"), bundle: { ...history.bundle!, code } };
}

describe("code that this release cannot execute is refused", () => {
  test.each(["0.1/steps", "0.1/shared-open"])("%s with the head of another protocol (PROTOCOL_UNSUPPORTED)", async (title) => {
    const history = withCode(fixture(title), (code) => code.replace(/^\/\*perdure:\d[^*]*\*\//, "/*perdure:9*/"));
    const error = await failureOf(history);
    expect(PerdureError.is(error) && error.code).toBe("PROTOCOL_UNSUPPORTED");
  });
});

describe("a document that this release cannot read is refused (HISTORY_UNREADABLE)", () => {
  const history = fixture("0.1/captures");
  const cases: [why: string, document: unknown, message: RegExp][] = [
    ["another form", { ...history, perdure: 2 }, /its form has the number 2, and this release reads 1/],
    ["no form", { rows: [] }, /"perdure", the number of its form, is missing/],
    ["no object", "text", /is not a recorded history/],
    ["altered code", { ...history, bundle: { ...history.bundle, code: "/*perdure:1*/" } }, /its code was altered/],
    ["no input", { ...history, input: undefined }, /"input" is missing/],
    ["a short seed", { ...history, input: { ...history.input, seed: "0" } }, /"input" is missing, or something else/],
    ["a status of another time", { ...history, status: "paused" }, /"status"/],
    ["a row without asks", { ...history, rows: [{ event: { type: "run_started", at: 1 }, payload: "" }] }, /"rows"\[0\] is not a row/],
    [
      "an event of another time",
      { ...history, rows: [{ event: { type: "run_paused", at: 1 }, asks: [], payload: "" }] },
      /"rows"\[0\] is an event of the type "run_paused", which this release does not know/,
    ],
  ];
  test.each(cases)("%s", (_, document, message) => {
    const read = (): unknown => readHistory(document, "The file x.json");
    expect(read).toThrow(message);
    expect(read).toThrow(expect.objectContaining({ code: "HISTORY_UNREADABLE" }));
  });

  test("members that this release does not know are left alone", async () => {
    const later = { ...history, note: "of a later release", rows: history.rows.map((row) => ({ ...row, later: 1 })) };
    expect(await replayed(later)).toEqual({ status: "completed", value: [6, 9, "scaled: 2"] });
  });
});
