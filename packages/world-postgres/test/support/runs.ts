import { randomBytes } from "node:crypto";
import type { Commit, NewRun } from "@perdure/world";

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A UUID version 7: 48 bits of time, then chance. */
function createRunId(): string {
  const raw = randomBytes(16);
  raw.writeUIntBE(Date.now(), 0, 6);
  raw[6] = (raw[6]! & 0x0f) | 0x70;
  raw[8] = (raw[8]! & 0x3f) | 0x80;
  return raw.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

export const newRun = (fields: Partial<NewRun> = {}): NewRun => ({
  id: fields.id ?? createRunId(),
  key: null,
  workflowId: "app/flows#order",
  version: "v1",
  input: bytes("input"),
  dueAt: null,
  ...fields,
});

/** A commit of the run's first owner, of one row that says where it stands. */
export const commitOf = (runId: string, worker: string, base: number, rest: Partial<Commit> = {}): Commit => ({
  runId,
  worker,
  fence: 1,
  base,
  rows: [bytes(`row ${base + 1}`)],
  ...rest,
});
