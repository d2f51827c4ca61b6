import { expect } from "vitest";
import { A, B, type Broken, bytes, commitOf, end, newRun, send, testBroken } from "./broken.ts";

const C = "01890a5d-ac96-774b-bcce-b302099a8059";
const cancelled = { status: "cancelled", output: null, note: null } as const;

const broken: readonly Broken[] = [
  {
    name: "a run that is replaced and stays open",
    says: /was ended and is open/,
    breaks: (world) => ({
      createRuns: async (runs, options) => {
        const [created] = await world.createRuns(runs, options);
        return [{ ...created!, replaced: A }];
      },
    }),
    use: (world) => world.createRuns([{ ...newRun(B), ifKeyExists: "replace" }]),
  },
  {
    name: "a run that is replaced and keeps its key",
    says: /was replaced and has its key "k" still/,
    breaks: (world) => ({
      query: { ...world.query, run: async (by) => ({ ...(await world.query.run(by))!, key: "k" }) },
    }),
    use: async (world) => {
      await world.createRuns([{ ...newRun(B), key: "k" }]);
      return world.createRuns([{ ...newRun(C), key: "k", ifKeyExists: "replace" }]);
    },
  },
  {
    name: "a run that is replaced although that was not asked for",
    says: /was not to replace run/,
    breaks: (world) => ({
      createRuns: (runs, options) =>
        world.createRuns(
          runs.map((run) => ({ ...run, ifKeyExists: "replace" })),
          options,
        ),
    }),
    use: async (world) => {
      await world.createRuns([{ ...newRun(B), key: "k" }]);
      return world.createRuns([{ ...newRun(C), key: "k" }]);
    },
  },
  {
    name: "a run that is over and gets another key",
    says: /was over \(completed\) and changed/,
    breaks: (world, lies) => ({
      query: { ...world.query, run: async (by) => ({ ...(await world.query.run(by))!, key: lies.on ? "other" : null }) },
    }),
    use: async (world, lies) => {
      lies.on = false;
      await world.commit([commitOf(0, ["a"], end)]);
      await world.query.run({ id: A });
      lies.on = true;
      await world.query.run({ id: A });
    },
  },
  {
    name: "an end that does not end",
    says: /was ended and is open/,
    breaks: () => ({ end: async () => "ended" }),
    use: (world) => world.end(A, cancelled),
  },
  {
    name: "an end of a run that was over",
    says: /was over and was ended again/,
    breaks: () => ({ end: async () => "ended" }),
    use: async (world) => {
      await world.commit([commitOf(0, ["a"], end)]);
      await world.query.run({ id: A });
      return world.end(A, cancelled);
    },
  },
  {
    name: "an end that does not find its run",
    says: /exists and was not found/,
    breaks: () => ({ end: async () => "not_found" }),
    use: (world) => world.end(A, cancelled),
  },
  {
    name: "a commit of an owner whose run was ended from outside",
    says: /at fence 1 was accepted; the fence was 2/,
    breaks: () => ({ commit: async () => [{ status: "committed", conflicts: [] }] }),
    use: async (world) => (await world.end(A, cancelled), world.commit([commitOf(0, [])])),
  },
  {
    name: "a message that a commit sent and that is delivered again",
    says: /Message m was delivered to run .* twice/,
    breaks: (world) => ({ commit: (commits) => world.commit(commits.map((one) => ({ ...one, messages: [] }))) }),
    use: async (world) => {
      const messages = [{ id: "m", to: { runId: A }, kind: "wake", payload: bytes("p") }];
      await world.commit([commitOf(0, ["a"], { messages })]);
      return send(world);
    },
  },
  {
    name: "published state that goes back",
    says: /The state "k" of run .* fell from version 2 to 1/,
    breaks: (world, lies) => ({
      query: { ...world.query, state: async () => [{ key: "k", value: bytes("v"), version: lies.on ? 1 : 2 }] },
    }),
    use: async (world, lies) => {
      lies.on = false;
      await world.query.state(A);
      lies.on = true;
      return world.query.state(A);
    },
  },
  {
    name: "published state that changes without a version",
    says: /Version 1 of the state "k" of run .* changed/,
    breaks: (world, lies) => ({
      query: { ...world.query, state: async () => [{ key: "k", value: bytes(lies.on ? "b" : "a"), version: 1 }] },
    }),
    use: async (world, lies) => {
      lies.on = false;
      await world.query.state(A);
      lies.on = true;
      return world.query.state(A);
    },
  },
  {
    name: "published state of another key, or of one key twice",
    says: /was asked for, and "k" came|has a key twice/,
    breaks: (world, lies) => ({
      query: {
        ...world.query,
        state: async () => Array.from({ length: lies.on ? 2 : 1 }, () => ({ key: "k", value: bytes("v"), version: 1 })),
      },
    }),
    use: async (world, lies) => {
      await expect(world.query.state(A)).rejects.toThrow("has a key twice");
      lies.on = false;
      return world.query.state(A, "other");
    },
  },
];

testBroken(broken);
