import { start } from "../../src/api/index.ts";
import { step } from "../../src/internal.ts";
import { workflowOf } from "./bundle.ts";
import { anotherWorker, until, useWorld } from "./lab.ts";
import { printValue } from "./print-value.ts";

/** What came of a function of workflow code when it ran, and when another worker ran it again from the history. */
export interface Outcome {
  /** As {@link printValue} sees it, in the workflow. */
  readonly live: string;
  readonly replayed: string;
  /** What the caller of the run gets. */
  readonly seen: unknown;
}

const recorded = new Map<string, string>();
let runs = 0;

/**
 * @param body the text of an async function, whose result is looked at
 * @param between is called while no worker has the run
 */
export async function liveAndReplayed(body: string, args: unknown[] = [], between: () => void = () => undefined): Promise<Outcome> {
  const token = `replay-${++runs}`;
  step("support#record", async (key: string, text: string) => void recorded.set(key, text), "record");
  const workflow = workflowOf(
    `support#${token}`,
    `(()=>{const print=${printValue.toString()};const body=${body};return async(...args)=>{const value=await body(...args);const text=print(value);
    await callStep('support#record',['${token}',text]);await createHook({token:'${token}'});return [text,value]}})()`,
  );
  const { world, worker } = await useWorld();
  const run = await start(workflow, args);
  // (Not any hook: the body may wait for others.)
  await Promise.race([until(async () => (await world.query.hook(token)) !== null, `the hook of ${body}`), run.returnValue]);
  await worker.stop();
  between();
  await anotherWorker(world);
  await world.deliver([{ id: "m", to: { token }, kind: "hook", payload: Buffer.from("j1") }]);
  const [replayed, seen] = (await run.returnValue) as [string, unknown];
  return { live: recorded.get(token) ?? "", replayed, seen };
}
