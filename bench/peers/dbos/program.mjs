// The workloads in DBOS, in a process of their own: `program.mjs <database URL>`. Started by ../../src/peers/dbos.ts, which sends `{ id, name, runs, steps }`.
import { DBOS } from "@dbos-inc/dbos-sdk";
import pg from "pg";

const url = process.argv[2];

async function noOp(index) {
  return { index };
}
const step = DBOS.registerStep(noOp, { name: "noOp" });

async function sequential(steps) {
  let done = 0;
  while (done < steps) done = (await step(done)).index + 1;
  return done;
}
const sequence = DBOS.registerWorkflow(sequential, { name: "sequence" });

/** A lone run is fastest as a plain call, many at once as started ones; the pool of ten connections is DBOS's own and faster than 20 or 50 here. */
const call = (steps) => sequence(steps);
const startAndWait = async (steps) => (await DBOS.startWorkflow(sequence)(steps)).getResult();

DBOS.setConfig({ name: "peer", systemDatabaseUrl: url, logLevel: "error" });
await DBOS.launch();
const admin = new pg.Client({ connectionString: url });
await admin.connect();

async function stored() {
  const { rows } = await admin.query(
    `SELECT (SELECT count(*) FROM dbos.workflow_status WHERE status = 'SUCCESS')::int AS runs, (SELECT count(*) FROM dbos.operation_outputs)::int AS steps`,
  );
  return rows[0];
}

/** Milliseconds of each run, or of all that were started at once. Results are checked: what the runs returned, and what is stored of them. */
async function measure({ name, runs, steps }) {
  const before = await stored();
  const times = [];
  const run = async (how) => {
    const value = await how(steps);
    if (value !== steps) throw new Error(`A run of DBOS returned ${value}, not ${steps}.`);
  };
  if (name === "alone") {
    for (let index = 0; index < runs; index++) {
      const start = performance.now();
      await run(call);
      times.push(performance.now() - start);
    }
  } else {
    const start = performance.now();
    await Promise.all(Array.from({ length: runs }, () => run(startAndWait)));
    times.push(performance.now() - start);
  }
  const after = await stored();
  if (after.runs - before.runs !== runs || after.steps - before.steps !== runs * steps)
    throw new Error(
      `DBOS has stored ${after.runs - before.runs} runs with ${after.steps - before.steps} steps, not ${runs} with ${runs * steps}.`,
    );
  return times;
}

process.on("message", async (message) => {
  if (message.name === "stop") {
    await DBOS.shutdown();
    await admin.end();
    process.disconnect();
    return;
  }
  try {
    process.send({ id: message.id, times: await measure(message) });
  } catch (error) {
    process.send({ id: message.id, error: error instanceof Error ? error.message : String(error) });
  }
});
// Also when its parent has gone.
process.once("disconnect", () => process.exit(0));
process.send({ id: 0, times: [] });
