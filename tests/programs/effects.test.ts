// `transaction()` and real processes: killed with SIGKILL on either side of the commit, or stopped until others have taken over.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { describe, expect, onTestFinished, test } from "vitest";
import { hasTestPostgres, testPostgres } from "../../scripts/test-servers.mjs";
import { builtProgram, type Running } from "./program.ts";

/** One step with one effect. PAUSE says where a process stands still, until there is a file `go`. */
const app = `import { existsSync } from "node:fs";
import { transaction } from "@perdure/world-postgres";
import { start } from "perdure/api";
import { startWorker } from "perdure/worker";
const pause = async (where: string) => {
  if (process.env.PAUSE !== where) return;
  console.log("stands still");
  while (!existsSync("go")) await new Promise((resolve) => setTimeout(resolve, 20));
};
async function effect() {
  "use step";
  const writer = await transaction(async (client) => {
    await client.query("INSERT INTO effects VALUES ($1)", [process.env.NAME]);
    await pause("before");
    return process.env.NAME;
  }).catch((error) => {
    console.log("thrown: " + error.code);
    throw error;
  });
  console.log("given: " + writer);
  await pause("after");
  return writer;
}
export async function work() {
  "use workflow";
  return await effect();
}
const worker = await startWorker({ leaseMs: Number(process.env.LEASE_MS ?? 1000) });
const run = await start(work, [], { id: "the-run" });
console.log("returned: " + (await run.returnValue));
await worker.stop();
`;

/** The program on a fresh database, and what its step has written there. */
async function scene() {
  const url = await testPostgres();
  const client = new pg.Client(url);
  await client.connect();
  onTestFinished(() => client.end());
  await client.query("CREATE TABLE effects (writer text)");
  const { start, folder } = await builtProgram(app);
  return {
    client,
    goOn: () => writeFileSync(join(folder, "go"), ""),
    start: (NAME: string, env: Readonly<Record<string, string>> = {}) => start({ PERDURE_WORLD: url, NAME, ...env }),
    effects: async () => (await client.query<{ writer: string }>("SELECT writer FROM effects")).rows.map(({ writer }) => writer),
  };
}

describe.runIf(hasTestPostgres())("an effect in a transaction()", { timeout: 120_000 }, () => {
  test.each([
    ["before", "second"],
    ["after", "first"],
  ])("whose process is killed %s the commit is there once, by the %s process", async (PAUSE, writer) => {
    const { start, effects } = await scene();
    const first = start("first", { PAUSE });
    await first.printed("stands still");
    expect(await effects()).toEqual(PAUSE === "before" ? [] : ["first"]);
    first.kill();
    await first.ended();
    const { output, status } = await start("second").ended();
    expect(output).toContain(`given: ${writer}`);
    expect(output).toContain(`returned: ${writer}`);
    expect(status).toBe(0);
    expect(await effects()).toEqual([writer]);
  });

  test("is there once after two processes stood still in it and woke up as zombies", async () => {
    const { client, start, effects, goOn } = await scene();
    const fence = async (): Promise<number> =>
      (await client.query<{ fence: number }>("SELECT fence FROM perdure.runs WHERE key = 'the-run'")).rows[0]!.fence;
    const zombies: Running[] = [];
    // The first stands in its transaction; the second has taken its run over and waits for that.
    for (const name of ["first", "second"]) {
      const zombie = start(name, { PAUSE: "before" });
      zombies.push(zombie);
      if (name === "first") await zombie.printed("stands still");
      await expect.poll(fence, { timeout: 60_000 }).toBe(zombies.length);
      if (name === "second") await expect.poll(() => waiting(client), { timeout: 60_000 }).toBe(1);
      process.kill(zombie.pid, "SIGSTOP");
    }
    // Long enough that no zombie takes the run back.
    const third = start("third", { LEASE_MS: "10000" });
    await expect.poll(fence, { timeout: 60_000 }).toBe(3);
    await expect.poll(() => waiting(client), { timeout: 60_000 }).toBe(2);
    expect(await effects()).toEqual([]);
    goOn();
    for (const zombie of zombies) process.kill(zombie.pid, "SIGCONT");
    const ends = await Promise.all([...zombies, third].map((one) => one.ended()));
    expect(await effects()).toEqual(["third"]);
    for (const { output } of ends) expect(output).toContain("returned: third");
    expect(ends[0]!.output).toContain("thrown: TRANSACTION_FENCED");
  });
});

/** How many statements wait for the transaction of another connection. */
async function waiting(client: pg.Client): Promise<number> {
  const { rows } = await client.query("SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'transactionid'");
  return rows.length;
}
