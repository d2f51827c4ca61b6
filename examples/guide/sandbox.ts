import { start } from "perdure/api";

let orders = 0; // each run has its own

async function now() {
  "use step";
  return Date.now(); // a step sees the real clock
}

export async function draw(names: string[]) {
  "use workflow";
  orders += 1;
  const startedAt = Date.now();
  for (let rounds = 0; rounds < 1_000_000; rounds++) Math.sqrt(rounds);
  const computed = Date.now();
  const winner = names[Math.floor(Math.random() * names.length)];
  const ticket = crypto.randomUUID();
  const later = await now();
  return {
    // The run's clock moves with its events only: code that is replayed reads the same times.
    computedFor: computed - startedAt,
    isStepLater: later >= startedAt,
    drawn: names.includes(winner ?? ""),
    ticket: ticket.length,
    locale: (1234.5).toLocaleString(),
    zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    orders,
  };
}

export async function extend() {
  "use workflow";
  const attempts: string[] = [];
  const note = (what: string, act: () => unknown) => {
    try {
      act();
    } catch (error) {
      attempts.push(`${what}: ${(error as Error).name}`);
    }
  };
  note("change a built-in", () => Object.assign(Array.prototype, { last: 1 }));
  note("evaluate text", () => new Function("return 1"));
  return attempts;
}

console.log(await (await start(draw, [["Ada", "Grace"]])).returnValue);
console.log((await (await start(draw, [["Edsger"]])).returnValue).orders);
console.log(await (await start(extend, [])).returnValue);
