import { expect, test, type TestContext } from "vitest";
import { hasTestPostgres, testPostgres } from "../../scripts/test-servers.mjs";
import { builtProgram } from "./program.ts";

/** A worker; with `START` it starts a run whose step computes for three leases and never yields, and awaits it. */
const app = `import { getStepMetadata } from "perdure";
import { start } from "perdure/api";
import { getWorld, setWorld } from "perdure/runtime";
import { startWorker } from "perdure/worker";
import { createPostgresWorld } from "@perdure/world-postgres";
const leaseMs = 5000;
async function compute() {
  "use step";
  console.log("attempt " + getStepMetadata().attempt + " in " + process.env.NAME);
  if (process.env.NAME === "blocked") for (const until = Date.now() + 3 * leaseMs; Date.now() < until; );
  return process.env.NAME;
}
async function after(from: string | undefined) { "use step"; return from + ", then " + process.env.NAME; }
export async function flow() { "use workflow"; return after(await compute()); }
await setWorld(createPostgresWorld({ url: process.env.DATABASE!, stuckMs: Number(process.env.STUCK_MS) }));
const worker = await startWorker({ leaseMs });
console.log("ready");
if (process.env.START) {
  const run = await start(flow, [], { id: "one" });
  console.log("result " + (await run.returnValue));
  const record = await (await getWorld()).query.run({ key: "one" });
  console.log("fence " + record!.fence);
  await worker.stop();
}
`;

async function runBlocked(stuckMs: number, { onTestFinished }: TestContext): Promise<{ readonly blocked: string; readonly other: string }> {
  const env = { DATABASE: await testPostgres(), STUCK_MS: String(stuckMs) };
  const { start } = await builtProgram(app, onTestFinished);
  const other = start({ ...env, NAME: "other" });
  await other.printed("ready");
  const { status, output } = await start({ ...env, NAME: "blocked", START: "1" }).ended();
  expect({ status, output }).toMatchObject({ status: 0 });
  other.kill();
  return { blocked: output, other: (await other.ended()).output };
}

test
  .skipIf(!hasTestPostgres())
  .concurrent(
    "a step that blocks the event loop for three leases keeps its run, and is not repeated",
    { timeout: 240_000 },
    async (context) => {
      expect(await runBlocked(120_000, context)).toEqual({
        blocked: "ready\nattempt 1 in blocked\nresult blocked, then blocked\nfence 1\n",
        other: "ready\n",
      });
    },
  );

test
  .skipIf(!hasTestPostgres())
  .concurrent(
    "one that blocks it for longer than `stuckMs` loses its run, and its late result does not count",
    { timeout: 240_000 },
    async (context) => {
      const { blocked, other } = await runBlocked(500, context);
      expect(other).toMatch(/attempt 1 in other/);
      expect(blocked).toContain("result other, then other\nfence 2\n");
    },
  );
