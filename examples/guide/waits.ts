import { sleep } from "perdure";
import { start } from "perdure/api";

async function mail(to: string, text: string) {
  "use step";
  console.log(`to ${to}: ${text}`);
}

async function signUpIsComplete(user: string) {
  "use step";
  return user === "Grace";
}

export async function onboard(user: string) {
  "use workflow";
  await mail(user, "welcome");
  await sleep("50ms"); // "3 days" is written in the same way, and costs no more: a run that sleeps needs no process
  if (await signUpIsComplete(user)) return "complete";
  await mail(user, "one more step");
  await sleep(new Date(Date.now() + 50)); // until a time; Date is the run's clock
  return "reminded";
}

export async function collect(meter: string) {
  "use workflow";
  const readings: string[] = [];
  // The platform's timers are there too, and as durable.
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      readings.push(`${meter} ${readings.length + 1}`);
      if (readings.length < 3) return;
      clearInterval(timer);
      resolve();
    }, 20);
  });
  return readings;
}

const ada = await start(onboard, ["Ada"]);
console.log(await ada.returnValue);

const grace = await start(onboard, ["Grace"]);
console.log(await grace.returnValue);

const meter = await start(collect, ["water"]);
console.log(await meter.returnValue);
