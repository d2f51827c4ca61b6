// An application with a worker, which works until it is killed. Started by `../w7.ts`: `process.ts {"world", "place", "ledger"}`.
import { start } from "perdure/api";
import { setWorld } from "perdure/runtime";
import { startWorker } from "perdure/worker";

import { openPlace } from "../worlds/index.ts";
import { openLedger } from "./ledger.ts";
import type { FromProcess, ProcessSettings, ToProcess } from "./messages.ts";
import { notedSequence, useLedger } from "./workflow.ts";

const settings = JSON.parse(process.argv[2] ?? "{}") as ProcessSettings;
const tell = (message: FromProcess): void => void process.send?.(message);

useLedger(openLedger(settings.ledger));
const world = openPlace(settings.world, settings.place);
await setWorld(world);
const worker = await startWorker();

process.on("message", async (message: ToProcess) => {
  if (message.kind === "start") {
    const runs = await Promise.all(Array.from({ length: message.runs }, () => start(notedSequence, [message.steps])));
    tell({ kind: "started", runIds: runs.map(({ runId }) => runId) });
    return;
  }
  await worker.stop();
  await world.close();
  process.disconnect();
});
// Also when its parent has gone.
process.once("disconnect", () => process.exit(0));
tell({ kind: "ready" });
