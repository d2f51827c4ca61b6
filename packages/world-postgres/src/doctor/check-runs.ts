import { nameOf } from "../operations/names.ts";
import type { Examination } from "./examination.ts";

const overdueMs = 60_000;
const manyCrashes = 3;

export async function checkRuns(examination: Examination): Promise<void> {
  await checkOverdue(examination);
  await checkDeadWorkers(examination);
  await checkCrashing(examination);
  await checkMessages(examination);
}

interface Some {
  readonly count: number;
  readonly example: string;
  readonly workflow: string;
  readonly ms: number;
}

const oneOf = ({ example, workflow }: Some): string => `such as ${example} of ${workflow}`;
const runs = (count: number): string => (count === 1 ? "1 run" : `${count} runs`);

async function checkOverdue({ rows, found }: Examination): Promise<void> {
  const [some] = await rows<Some>(
    `SELECT (count(*) OVER ())::int4 AS count, id::text AS example, ${nameOf("workflow")} AS workflow, (@now - due_at)::float8 AS ms FROM @runs
     WHERE owner IS NULL AND due_at < @now - $1::int8 ORDER BY due_at LIMIT 1`,
    [overdueMs],
  );
  if (some)
    found(
      "RUNS_OVERDUE",
      `${runs(some.count)} due for more than a minute and not claimed, the first one for ${seconds(some.ms)}, ${oneOf(some)}.`,
    );
}

async function checkDeadWorkers({ rows, found }: Examination): Promise<void> {
  const workers = await rows<Some & { name: string | null }>(
    `SELECT w.name, d.count, d.example, ${nameOf("d.workflow")} AS workflow, (@now - coalesce(w.lease_until, 0))::float8 AS ms
     FROM (SELECT owner, count(*)::int4 AS count, min(id::text) AS example, min(workflow) AS workflow FROM @runs
       WHERE owner IS NOT NULL AND due_at < @now - $1::int8 GROUP BY owner) d
     LEFT JOIN @workers w ON w.id = d.owner WHERE coalesce(w.lease_until, 0) < @now - $1::int8 ORDER BY 1`,
    [overdueMs],
  );
  for (const some of workers) {
    const who =
      some.name === null
        ? "A worker that is not known any more"
        : `The worker ${some.name}, whose lease has been over for ${seconds(some.ms)},`;
    found("WORKERS_DEAD", `${who} still owns ${runs(some.count)} due for more than a minute, ${oneOf(some)}.`);
  }
}

async function checkCrashing({ rows, found }: Examination): Promise<void> {
  const [some] = await rows<Some & { crashes: number }>(
    `SELECT (count(*) OVER ())::int4 AS count, id::text AS example, ${nameOf("workflow")} AS workflow, crashes, 0::float8 AS ms FROM @runs
     WHERE status = 0 AND crashes >= $1 ORDER BY crashes DESC LIMIT 1`,
    [manyCrashes],
  );
  if (some)
    found(
      "RUNS_CRASHING",
      `${runs(some.count)} lost their worker ${manyCrashes} times or more without getting on, ${oneOf(some)} (${some.crashes} times).`,
    );
}

async function checkMessages({ rows, found }: Examination): Promise<void> {
  const [lost] = await rows<Some>(
    `SELECT (count(*) OVER ())::int4 AS count, m.run_id::text AS example, m.message AS workflow, 0::float8 AS ms FROM @messages m
     WHERE payload IS NOT NULL AND NOT EXISTS (SELECT 1 FROM @runs r WHERE r.id = m.run_id AND r.status = 0) LIMIT 1`,
  );
  if (lost)
    found(
      "MESSAGES_UNDELIVERABLE",
      `${lost.count} unconsumed, to runs that are over or not there, such as "${lost.workflow}" to ${lost.example}.`,
    );
  const [unseen] = await rows<Some>(
    `SELECT (count(*) OVER ())::int4 AS count, r.id::text AS example, ${nameOf("r.workflow")} AS workflow, 0::float8 AS ms
     FROM (SELECT run_id, count(*) AS waiting FROM @messages WHERE payload IS NOT NULL GROUP BY run_id) m JOIN @runs r ON r.id = m.run_id
     WHERE r.status = 0 AND (r.mail = 0 OR r.due_at IS NULL) LIMIT 1`,
  );
  if (unseen) found("MESSAGES_UNDELIVERABLE", `${runs(unseen.count)} with messages that nobody looks for, ${oneOf(unseen)}.`);
}

function seconds(ms: number): string {
  return ms < 120_000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`;
}
