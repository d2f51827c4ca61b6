import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

import { startMany, type CheckReport } from "perdure/api";
import type { RunRecord, World } from "@perdure/world";

import { fulfil } from "../check/before/orders.ts";
import type { Measurement } from "./report.ts";
import { optionOf, type Request } from "./request.ts";
import { withWorker } from "./session.ts";
import { targetsOf } from "./targets.ts";

const cli = fileURLToPath(new URL("../../packages/cli/dist/bin.js", import.meta.url));
const entry = fileURLToPath(new URL("../check/after/orders.ts", import.meta.url));

/** How many are loaded at a time, as `checkRuns()` does. */
const atATime = 16;

/** How long `perdure check` takes, from the start of its process to the end, for runs of which half would do something else with the new code. */
export async function check(request: Request): Promise<Measurement> {
  const runs = optionOf(request, "runs");
  return withWorker(request, false, async ({ world, place, database }) => {
    if (place === null) throw new TypeError(`The World "${request.world}" is one process's own.`);
    const startedAt = performance.now();
    for (let first = 0; first < runs; first += 1000)
      await startMany(Array.from({ length: Math.min(1000, runs - first) }, (_, index) => [fulfil, [first + index]] as const));
    await untilAllWait(world, runs);
    const setupSeconds = (performance.now() - startedAt) / 1000;
    const yardstickMs = await timeOf(() => loadAll(world));
    const report = { json: "" };
    const wallMs = await timeOf(
      async () => (report.json = await commandOutput(["check", "--entry", entry, "--world", worldUrl(request, place), "--json"])),
    );
    const found = JSON.parse(report.json) as CheckReport;
    const [version] = found.versions;
    const differing = version?.differences.reduce((sum, difference) => sum + difference.runs, 0);
    if (found.openRuns !== runs || version?.compatibleRuns !== Math.ceil(runs / 2) || differing !== Math.floor(runs / 2))
      throw new Error(`The report is wrong: ${report.json}`);
    return {
      figures: {
        seconds: wallMs / 1000,
        msPerRun: wallMs / runs,
        yardstickSeconds: yardstickMs / 1000,
        ratio: wallMs / yardstickMs,
        setupSeconds,
      },
      targets: targetsOf(request),
      runs: 1,
      database,
    };
  });
}

const worldUrl = ({ world }: Request, place: string): string => (world === "sqlite" ? `sqlite:${place}` : place);

async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

async function* openRuns(world: World): AsyncGenerator<RunRecord, void> {
  let cursor: string | null | undefined;
  do {
    const page = await world.query.runs({ status: "running", limit: 1000, ...(cursor && { cursor }) });
    yield* page.runs;
    cursor = page.cursor;
  } while (cursor);
}

async function untilAllWait(world: World, runs: number): Promise<void> {
  for (;;) {
    let waiting = 0;
    for await (const { note } of openRuns(world)) if (note?.startsWith("waits for hook")) waiting++;
    if (waiting === runs) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** What a check costs without a runtime: all records and histories, read from the World. */
async function loadAll(world: World): Promise<void> {
  const runs = openRuns(world);
  await Promise.all(
    Array.from({ length: atATime }, async () => {
      for (let next = await runs.next(); !next.done; next = await runs.next()) await world.load(next.value.id);
    }),
  );
}

/** What `perdure` prints. It finds nothing that hinders runs. */
function commandOutput(args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [cli, ...args], { stdio: ["ignore", "pipe", "inherit"] });
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
    child.once("error", reject);
    child.once("close", (code) => (code === 0 ? resolve(output) : reject(new Error(`perdure ended with exit code ${code}: ${output}`))));
  });
}
