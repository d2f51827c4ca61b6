// The program of the process of `perdure check`: imports the entry, which registers its workflows and steps, and replays open runs on them.
import { once } from "node:events";
import { pathToFileURL } from "node:url";
import { inspect } from "node:util";
import { Failure } from "../failure.ts";
import { ofEntry } from "../worker/of-entry.ts";
import { inWorld } from "../world-options.ts";
import type { CheckMessage, CheckOrder } from "./check-message.ts";

// (Not as an argument: others can see those, and the URL of a World may hold a password.)
const [order] = (await once(process, "message")) as [CheckOrder];
const { entry, workflowId, sample } = order;

const runtime = await ofEntry(entry, "perdure/runtime", () => import("perdure/runtime"));
const api = await ofEntry(entry, "perdure/api", () => import("perdure/api"));
runtime.loadOnly();
// Of a promise that the entry does not await.
process.on("unhandledRejection", (error) => {
  if (!isRefused(error)) throw error;
});

const isPart = !(await importEntry());
const message = await check();
process.send?.(message, () => process.exit());

/** Whether the entry was evaluated to its end. */
async function importEntry(): Promise<boolean> {
  try {
    await import(pathToFileURL(entry).href);
    return true;
  } catch (error) {
    if (isRefused(error)) return false;
    process.stderr.write(`${inspect(error)}\n`);
    process.send?.({ type: "entry-failed" } satisfies CheckMessage, () => process.exit());
    return new Promise(() => undefined);
  }
}

async function check(): Promise<CheckMessage> {
  const options = { ...(workflowId !== undefined && { workflowId }), ...(sample !== undefined && { sample }) };
  try {
    const report = await inWorld(order, (world) => api.checkRuns({ ...options, world }));
    return { type: "checked", report, isPart };
  } catch (error) {
    return { type: "failed", message: error instanceof Failure ? error.message : inspect(error) };
  }
}

function isRefused(error: unknown): boolean {
  return error instanceof Error && (error as { readonly code?: unknown }).code === "WORK_REFUSED";
}
