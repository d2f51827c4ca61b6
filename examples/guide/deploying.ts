import { createHook, patched } from "perdure";
import { listVersions, resumeHook, start } from "perdure/api";

async function audit(order: string) {
  "use step";
  console.log("audit of", order);
}

async function charge(order: string, approvedBy: string) {
  "use step";
  return `${order} charged, approved by ${approvedBy}`;
}

export async function fulfil(order: string) {
  "use workflow";
  const approval = createHook<string>({ token: `approve ${order}` });
  // False in a run that passed here before this line was written.
  if (patched("audit-2026")) await audit(order);
  return charge(order, await approval);
}

const first = await start(fulfil, ["order 1"]);
while ((await first.waits).every(({ kind }) => kind !== "hook")) await new Promise((resolve) => setTimeout(resolve, 5));

// Which code do open runs have, and is it that of this process?
const versions = await listVersions();
for (const { workflowId, openRuns, isCurrent } of versions) console.log({ workflowId, openRuns, isCurrent });

// A run can be started on any version that the World has, also when this process has a newer one.
const second = await start(fulfil, ["order 2"], { version: versions[0]!.version });
await resumeHook("approve order 1", "Ada");
console.log(await first.returnValue);
while ((await second.waits).every(({ kind }) => kind !== "hook")) await new Promise((resolve) => setTimeout(resolve, 5));
await resumeHook("approve order 2", "Grace");
console.log(await second.returnValue);
