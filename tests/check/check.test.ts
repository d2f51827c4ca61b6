/** `perdure check` on an application of which each workflow has changed in another way, with runs open of all of them. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CheckedVersion, CheckReport, SourcePosition } from "perdure/api";
import { program, type Program } from "../programs/program.ts";
import { type Change, compatible, incompatible } from "./changes.ts";

const changes = [...incompatible, ...compatible];
/** Of each workflow. */
const runs = 3;

const head = `import { createHook, patched, RetryableError, sleep, withOptions } from "perdure";
import { getRun, resumeHook, start, startMany } from "perdure/api";
import { getWorld } from "perdure/runtime";
import { startWorker } from "perdure/worker";
const gate = (n: number) => createHook<string>({ token: "gate " + n });
`;

/** Starts runs of all workflows, and ends when each waits for something. */
const around = `
if (process.env.ROLE === "start") {
  const worker = await startWorker();
  const all = [${changes.map(({ name }) => name).join(", ")}];
  const allRuns = [];
  for (const [index, workflow] of all.entries())
    allRuns.push(...(await startMany(Array.from({ length: ${runs} }, (_, n) => [workflow, [index * ${runs} + n]] as const))));
  for (const run of allRuns) while ((await run.waits).every(({ kind, attempt }) => kind === "step" && attempt === 1)) await new Promise((resolve) => setTimeout(resolve, 10));
  await worker.stop();
} else if (process.env.ROLE === "finish") {
  const worker = await startWorker();
  for (const name of ["longer", "upgraded"]) {
    const { runs } = await (await getWorld()).query.runs({ workflowId: "app/app.ts#" + name });
    for (const { id } of runs) {
      const [{ name: token }] = await getRun(id).waits;
      await resumeHook(token, "open");
      console.log(name, await getRun(id).returnValue, (await (await getWorld()).query.run({ id })).version);
    }
  }
  await worker.stop();
}
`;

const app = (side: "before" | "after"): string => head + changes.map((change) => change[side]).join("") + around;

/** Where a text is in the application. */
function placeOf(change: Change, side: "before" | "after", text: string | null): SourcePosition | null {
  if (text === null) return null;
  const code = app(side);
  const gate = code.indexOf("createHook<");
  const offset = text === "createHook" ? gate : code.indexOf(text, code.indexOf(change[side]));
  const before = code.slice(0, offset).split("\n");
  const callee = expect.stringMatching(new RegExp(`^${/^\w+/.exec(text)![0]}\\(.*\\)$`)) as string;
  return { file: "app.ts", line: before.length, column: before.at(-1)!.length + 1, text: callee };
}

describe("a build in which workflows have changed", { timeout: 120_000 }, () => {
  let changed: Program;
  let report: CheckReport;
  let text: string;
  const env = { PERDURE_WORLD: "sqlite:./world.db" };

  beforeAll(async () => {
    changed = program(app("before"), afterAll);
    expect(await changed.start({ ...env, ROLE: "start" }).ended()).toEqual({ status: 0, output: "" });
    writeFileSync(join(changed.folder, "app.ts"), app("after"));
    const [inJson, inText] = await Promise.all([
      changed.command(["check", "--entry", "app.ts", "--json"], env).ended(),
      changed.command(["check", "--entry", "app.ts"], env).ended(),
    ]);
    expect([inJson.status, inText.status], inJson.output + inText.output).toEqual([1, 1]);
    report = JSON.parse(inJson.output.slice(0, inJson.output.lastIndexOf("}") + 1)) as CheckReport;
    text = inText.output;
  }, 120_000);

  const versionOf = (name: string): CheckedVersion => report.versions.find(({ workflowId }) => workflowId === `app/app.ts#${name}`)!;

  test.each(incompatible.filter(({ difference }) => difference).map((change) => [change.name, change] as const))(
    "%s: what differs first is said, with the places in both sources",
    (name, change) => {
      const { recorded, actual } = change.difference!;
      const { differences, compatibleRuns, openRuns, failures } = versionOf(name);
      expect({ compatibleRuns, openRuns, failures }).toEqual({ compatibleRuns: 0, openRuns: runs, failures: [] });
      expect(differences).toEqual([
        {
          row: expect.any(Number) as number,
          recorded: expect.stringMatching(startOf(recorded[0])) as string,
          actual: expect.stringMatching(startOf(actual[0])) as string,
          recordedAt: placeOf(change, "before", recorded[1]),
          actualAt: placeOf(change, "after", actual[1]),
          runs,
          examples: expect.arrayContaining([expect.any(String)]) as string[],
        },
      ]);
    },
  );

  test("steps that are missing or have changed are said, and no others", () => {
    const missing = incompatible.flatMap(({ name, missing: stepName }) => (stepName ? [[name, `app/app.ts#${stepName}`]] : []));
    const told = report.versions.flatMap(({ workflowId, missingSteps }) =>
      missingSteps.map(({ stepId }) => [workflowId.split("#")[1], stepId]),
    );
    expect(told.sort()).toEqual(missing.sort());
    const changedSteps = incompatible.flatMap(({ name, changed: step }) => (step ? [[name, `app/app.ts#${step[0]}`, step[1]]] : []));
    expect(
      report.versions.flatMap((one) =>
        one.changedSteps.map(({ stepId, difference }) => [one.workflowId.split("#")[1], stepId, difference]),
      ),
    ).toEqual(changedSteps.toSorted());
  });

  test.each(compatible.map(({ name }) => name))("%s: nothing is said", (name) => {
    const version = versionOf(name);
    expect(version).toMatchObject({ openRuns: runs, checkedRuns: runs, compatibleRuns: runs, differences: [], failures: [] });
    expect(version).toMatchObject({ missingSteps: [], changedSteps: [], lost: null });
  });

  test("the text names them for people, and the last line counts them", () => {
    expect(text).toContain("app/app.ts#reordered");
    expect(text).toMatch(
      /history {3}step app\/app\.ts#reordered1#1 {2}app\.ts:\d+:\d+ {2}reordered1\(n\)\n {6}new code {2}step app\/app\.ts#reordered2#1 {2}app\.ts:\d+:\d+ {2}reordered2\(n\)/,
    );
    expect(text).toMatch(/perdure: 2 missing steps; 2 changed steps\.\n$/);
  });

  test("an entry that starts to work is imported up to there, and starts nothing", async () => {
    writeFileSync(
      join(changed.folder, "server.ts"),
      `import { startWorker } from "perdure/worker";\nawait import("./app.ts");\nvoid startWorker();\nawait startWorker();\nconsole.log("never");\n`,
    );
    const { status, output } = await changed.command(["check", "app/app.ts#longer", "--entry", "server.ts"], env).ended();
    expect({ status, output }).toMatchObject({ status: 0, output: expect.stringContaining("WORK_REFUSED") as string });
    expect(output).toMatch(/perdure: server\.ts was imported up to where it starts to work/);
    expect(output).toContain("3 runs: all keep their code, and would go on the same with the new code");
    expect(output).not.toContain("never");
  });

  test("an entry without workflows, and one that cannot be imported, are said", async () => {
    writeFileSync(join(changed.folder, "empty.ts"), `console.log("loaded");\n`);
    writeFileSync(join(changed.folder, "broken.ts"), `import "./nowhere.ts";\n`);
    const [empty, broken] = await Promise.all(
      ["empty.ts", "broken.ts"].map((entry) => changed.command(["check", "--entry", entry], env).ended()),
    );
    expect(empty).toMatchObject({
      status: 2,
      output: expect.stringContaining("ENTRY_EMPTY: empty.ts has registered no workflow") as string,
    });
    expect(broken).toMatchObject({
      status: 2,
      output: expect.stringContaining("ENTRY_FAILED: broken.ts could not be imported.") as string,
    });
  });

  test("runs that would not go on fail a check that asks for it, and one of a sample says so", async () => {
    const { status, output } = await changed
      .command(["check", "app/app.ts#added", "--entry", "app.ts", "--fail-on", "different", "--sample", "2"], env)
      .ended();
    expect(status).toBe(1);
    expect(output).toContain("3 runs, 2 of them looked at: 0 keep their code");
    expect(output).toMatch(/perdure: 2 runs that keep their own code\.\n$/);
  });

  test("asked again, it says the same", async () => {
    const again = await changed.command(["check", "--entry", "app.ts", "--json"], env).ended();
    expect(JSON.parse(again.output.slice(0, again.output.lastIndexOf("}") + 1))).toEqual(report);
  });

  test("after the deploy runs go on as it was said: with the new code where the workflow allows it, else with their own", async () => {
    const { output, status } = await changed.start({ ...env, ROLE: "finish" }).ended();
    const [longer, upgraded] = [versionOf("longer"), versionOf("upgraded")];
    expect([longer.upgrade, upgraded.upgrade]).toEqual(["pinned", "compatible"]);
    expect(text).toContain("3 runs: all will go on with the new code");
    const lines = [
      ...Array<string>(runs).fill(`longer undefined ${longer.version}`),
      ...Array<string>(runs).fill(`upgraded new ${upgraded.currentVersion}`),
    ];
    expect({ status, lines: output.trim().split("\n") }).toEqual({ status: 0, lines });
  });
});

const startOf = (text: string): RegExp => new RegExp(`^${text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")}`);
