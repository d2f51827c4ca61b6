import { setTimeout as pause } from "node:timers/promises";
import { sleep } from "perdure";
import { start } from "perdure/api";
import { getWorld } from "perdure/runtime";
import { createWorker } from "perdure/worker";

let atOnce = 0;
let most = 0;

async function render(page: number) {
  "use step";
  most = Math.max(most, ++atOnce);
  await pause(10);
  atOnce -= 1;
  return page;
}

export async function report(pages: number) {
  "use workflow";
  const numbers = Array.from({ length: pages }, (_, index) => index + 1);
  return (await Promise.all(numbers.map((page) => render(page)))).length;
}

export async function remind(user: string) {
  "use workflow";
  await sleep("1 day");
  return `${user} was reminded`;
}

// This process starts runs and leaves them to others; a server would set PERDURE_WORKER=off in its environment.
process.env.PERDURE_WORKER = "off";
const yearly = await start(report, [8]);
const reminder = await start(remind, ["Ada"]);
console.log("before:", await yearly.status, await reminder.status);

// A cron job, or a function of a cloud: it does what there is to do, and ends. A server calls startWorker() instead, and runs until SIGTERM.
const worker = await createWorker({ world: await getWorld(), concurrency: 3 });
const { reason, claimed, ended, attempts, nextDueAt } = await worker.drain({ until: "30s" });
console.log({ reason, claimed, ended, attempts });
console.log("at once:", most);
console.log("the next run is due in a day:", nextDueAt !== null && nextDueAt.getTime() > Date.now() + 23 * 60 * 60 * 1000);
console.log("after:", await yearly.status, await reminder.status);
