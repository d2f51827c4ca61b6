import { exportHistory, start } from "perdure/api";
import { HistoryDifferenceError, replayHistory } from "perdure/testing";

async function charge(order: string) {
  "use step";
  console.log(`charge ${order}`);
  return 30;
}

async function audit(order: string) {
  "use step";
  console.log(`audit of ${order}`);
}

export async function fulfil(order: string) {
  "use workflow";
  return { order, paid: await charge(order) };
}

/** Stands for the same workflow after somebody has changed it. */
export async function fulfilChanged(order: string) {
  "use workflow";
  await audit(order);
  return { order, paid: await charge(order) };
}

const run = await start(fulfil, ["order 7"]);
await run.returnValue;
const history = await exportHistory(run); // what `perdure export-history` prints

// No step is called again.
console.log(await replayHistory(fulfil, history));

const changed = { ...history, workflowId: history.workflowId.replace("#fulfil", "#fulfilChanged") };
const error = await replayHistory(fulfilChanged, changed).catch((thrown: unknown) => thrown);
if (!HistoryDifferenceError.is(error)) throw error;
console.log(`row ${error.row}`);
for (const [side, at] of Object.entries({ history: error.recordedAt, code: error.actualAt }))
  console.log(`${side}: ${at?.text} in line ${at?.line}`);
