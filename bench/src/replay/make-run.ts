import { randomUUID } from "node:crypto";

import type { HistoryRow, RunRecord, World } from "@perdure/world";
import { resumeHook, start } from "perdure/api";

import { messageOf, rowBytes, type Shape } from "./shapes.ts";

/** A run whose history was written without executing it. */
export interface MadeRun {
  readonly id: string;
  readonly token: string;
  readonly events: number;
}

const maker = "replay-maker";
const rowsPerCommit = 1000;
const dayMs = 24 * 3600 * 1000;

/** Makes runs that wait for a message behind so many events. What a row looks like is compared with what a small run of the same shape left that was executed. */
export async function createRunMaker(world: World, shape: Shape): Promise<(events: number) => Promise<MadeRun>> {
  const sample = await executeSample(world, shape);
  const newline = sample.record.input.indexOf(10);
  await world.heartbeat(maker, dayMs);
  return async (events) => {
    const [id, token] = [randomUUID(), `replay-${shape.name}-${events}`];
    const width = Math.min(1000, events);
    const args = Buffer.from(`j${JSON.stringify([events, token, width])}`);
    const { workflowId, version } = sample.record;
    const input = Buffer.concat([sample.record.input.subarray(0, newline + 1), args]);
    await world.createRuns([{ id, key: null, workflowId, version, input, dueAt: null }], { owner: maker });
    const rows = shape.rows(events, { step: sample.step, token, width, at: Date.now() }).map(rowBytes);
    for (let base = 0; base < rows.length; base += rowsPerCommit) {
      const isLast = base + rowsPerCommit >= rows.length;
      const end = isLast && { patch: { dueAt: null }, hooks: [{ token, operation: "hook#1", metadata: null }] };
      const commit = { runId: id, fence: 1, worker: maker, base, rows: rows.slice(base, base + rowsPerCommit), ...end };
      const [result] = await world.commit([commit]);
      if (result?.status !== "committed") throw new Error(`A part of a history was not taken: ${result?.status}.`);
    }
    await world.release(maker, [{ runId: id, fence: 1, dueAt: null }]);
    return { id, token, events };
  };
}

interface Sample {
  readonly record: RunRecord;
  /** The id of the step that the workflow calls. */
  readonly step: string;
}

async function executeSample(world: World, shape: Shape): Promise<Sample> {
  const [events, width, token] = [20, 10, `sample-${shape.name}`];
  const run = await start(shape.workflow, [events, token, width]);
  if (shape.name === "messages") {
    await rowsOf(world, run.runId, 1);
    for (let index = 0; index < events; index++) await resumeHook(token, messageOf(true));
  }
  const rows = await rowsOf(world, run.runId, events + 1);
  const [record] = await world.query.runsById([run.runId]);
  if (!record) throw new Error("The sample run is not there.");
  const step = /step ([^"]*)#1"/.exec(textOf(rows[0]))?.[1] ?? "";
  const made = shape.rows(events, { step, token, width, at: 0 });
  made.forEach((row, index) => {
    const [ours, theirs] = [comparable(Buffer.from(rowBytes(row)).toString()), comparable(textOf(rows[index]))];
    if (ours !== theirs) throw new Error(`A row that was made is not like one of a run: ${ours} instead of ${theirs}.`);
  });
  await resumeHook(token, messageOf(false));
  const value = await run.returnValue;
  if (value !== events + 1) throw new Error(`The sample run returned ${value}.`);
  return { record, step };
}

/** The rows of a run's history, once there are so many. */
async function rowsOf(world: World, runId: string, count: number): Promise<readonly HistoryRow[]> {
  for (;;) {
    const { rows } = await world.load(runId);
    if (rows.length >= count) return rows;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Without times and ids of messages. */
function comparable(row: string): string {
  return row.replace(/"at":\d+/, '"at":0').replace(/"message":"[^"]*"/, '"message":""');
}

function textOf(row: HistoryRow | undefined): string {
  return Buffer.from(row?.data ?? []).toString();
}
