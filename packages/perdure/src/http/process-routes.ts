import { registeredFunctions } from "../registry.ts";
import { getWorld, runningWorker } from "../runtime.ts";
import { clearTimeout, setTimeout } from "../host-timers.ts";
import { json } from "./answers.ts";

const patienceMs = 2000;

/** Whether this process can do its work: 200, or 503 while its World does not answer. It starts no worker. */
export async function health(): Promise<Response> {
  const worker = runningWorker();
  const isReachable = await reachesWorld();
  return json(
    {
      status: isReachable ? "ok" : "unavailable",
      world: isReachable ? "reachable" : "unreachable",
      worker: worker ? "running" : "none",
      residentRuns: worker?.residentRuns() ?? 0,
    },
    isReachable ? 200 : 503,
  );
}

async function reachesWorld(): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => (timer = setTimeout(() => resolve(false), patienceMs)));
  const asked = getWorld().then(async (world) => (await world.now()) > 0);
  try {
    return await Promise.race([asked, late]);
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
    asked.catch(() => undefined); // after the patience has ended
  }
}

/** The workflows and steps that this process has. */
export function manifest(): Response {
  const { workflows, steps } = registeredFunctions();
  return json({
    workflows: workflows.map(({ id, name, bundle }) => ({ id, name, version: bundle?.version ?? null })),
    steps: steps.map(({ id, name }) => ({ id, name })),
  });
}
