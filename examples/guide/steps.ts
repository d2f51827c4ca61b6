import { setTimeout as pause } from "node:timers/promises";
import { FatalError, getStepMetadata, heartbeat, spawn, withOptions } from "perdure";
import { start } from "perdure/api";

async function charge(amount: number) {
  "use step";
  const { attempt } = getStepMetadata();
  console.log(`charge ${amount}, attempt ${attempt}`);
  if (attempt < 3) throw new Error("the bank is busy");
  return `paid ${amount}`;
}
charge.options = { retry: { maxAttempts: 5, initialDelay: "5ms", factor: 1 } };

async function post(letter: string) {
  "use step";
  if (letter === "") throw new FatalError("there is nothing to post"); // no other attempt would help
  return `posted ${letter}`;
}

async function search(where: string) {
  "use step";
  const { signal } = getStepMetadata(); // aborted at the timeout, and when the workflow gives the call up
  await pause(60_000, null, { signal });
  return where;
}

async function importRows(rows: string[]) {
  "use step";
  const { attempt, progress } = getStepMetadata();
  const done = (progress as number | undefined) ?? 0;
  console.log(`import attempt ${attempt} goes on at row ${done}`);
  for (let row = done; row < rows.length; row++) {
    if (attempt === 1 && row === 2) throw new Error("connection lost");
    heartbeat(row + 1);
  }
  return rows.length;
}
importRows.options = { retry: { initialDelay: "5ms" }, heartbeatTimeout: "1m" };

export async function order() {
  "use workflow";
  const paid = await charge(30);
  const slow = spawn(search, ["attic"]); // begins, and returns at once
  const letter = await withOptions(post, { atMostOnce: true })("the invoice");
  slow.cancel("found elsewhere");
  const failures = await Promise.allSettled([
    slow.result,
    post(""),
    withOptions(search, { timeout: "20ms", retry: { maxAttempts: 1 } })("cellar"),
  ]);
  const imported = await importRows(["a", "b", "c", "d"]);
  return { paid, letter, imported, failures: failures.map((one) => (one.status === "rejected" ? String(one.reason.message) : one.value)) };
}

const run = await start(order, []);
console.log(await run.returnValue);
