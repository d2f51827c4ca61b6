import { checkedWorld } from "@perdure/world/conformance";
import { createMemoryWorld } from "@perdure/world/memory";
import { expect, test } from "vitest";

import { getRun, start } from "../src/api/index.ts";
import { decodeRow } from "../src/engine/row.ts";
import { getStepMetadata } from "../src/index.ts";
import { step } from "../src/internal.ts";
import { toText } from "../src/run-input.ts";
import { workflowOf } from "./support/bundle.ts";
import { anotherWorker, useWorld } from "./support/lab.ts";
import { chooser, runReplay } from "./support/simulation.ts";

const ways = 50;
const seeds = 200;
/** Runs that are under way at the same time. */
const atOnce = 25;

/** Which attempt began after which worker was stopped. */
const begun: { readonly op: string; readonly era: number }[] = [];
let era = 0;

step(
  "w#work",
  async (delayMs: number, fails: boolean) => {
    begun.push({ op: getStepMetadata().stepId, era });
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    if (fails) throw Object.assign(new RangeError(`failed after ${delayMs}`), { fatal: true });
    return delayMs;
  },
  "work",
);

const program = `async function program(){const seen=[];const note=(v)=>{seen.push(v instanceof Error?v.message:Array.isArray(v)?v.length:v);return v};
const once=withOptions((...a)=>callStep("w#work",a),{retry:{maxAttempts:1}});
const work=()=>once(Math.floor(Math.random()*8),Math.random()<0.1);
const many=()=>Array.from({length:${ways}},(_,i)=>work().then((v)=>{if(i%7===0)note(i);return v}));
const quiet=(parts)=>{for(const one of parts)one.catch(()=>{});return parts};
for(const how of ["race","any","all","allSettled"]){const parts=quiet(many());if(how==="race")void work().then(note,note);await Promise[how](parts).then(note,note)}
note(Date.now()>0);return [Math.random(),seen]}`;

test(
  `${ways}-way combinators of steps that take their time, unawaited ones among them, ${seeds} times, while workers come and go`,
  { timeout: 300_000 },
  async () => {
    const choose = chooser(20_261_126);
    const flow = workflowOf<[], unknown>("w#flow", program);
    for (let done = 0; done < seeds; done += atOnce) {
      begun.length = 0;
      const world = checkedWorld(createMemoryWorld());
      const { worker } = await useWorld({ concurrency: 200 }, world);
      const runs = await Promise.all(Array.from({ length: atOnce }, async () => start(flow, [])));
      // What is committed when the first worker ends may not be executed again by the second.
      await new Promise((resolve) => setTimeout(resolve, 10 + choose(60)));
      await worker.stop();
      era++;
      const committed = new Set<string>();
      for (const { runId } of runs) for (const op of await completed(world, runId)) committed.add(op);
      await anotherWorker(world, { concurrency: 200 });
      const values = await Promise.all(runs.map(async ({ runId }) => getRun(runId).returnValue));
      const again = begun.filter(({ op, era: at }) => at === era && committed.has(op));
      expect(again).toEqual([]);
      for (const [index, { runId }] of runs.entries()) {
        const rows = (await world.load(runId)).rows.map(({ data }) => decodeRow(toText(data)));
        const seed = toText((await world.query.run({ id: runId }))!.input).slice(0, 32);
        const replayed = await runReplay(program, rows, "sandbox", seed);
        expect(replayed.outcome).toEqual({ status: "completed", value: values[index] });
      }
    }
  },
);

async function completed(world: ReturnType<typeof checkedWorld>, runId: string): Promise<string[]> {
  const { rows } = await world.load(runId);
  const events = rows.map(({ data }) => decodeRow(toText(data)).event);
  return events.flatMap((event) => (event.type === "step_completed" || event.type === "step_failed" ? [`${runId}/${event.op}`] : []));
}
